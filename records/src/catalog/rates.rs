//! Exchange rates to the base currency, as set by the organisation.

use std::str::FromStr;

use entities::tenant::exchange_rates as table;
use sea_orm::{ActiveValue::Set, ConnectionTrait, EntityTrait, QueryOrder, sea_query::OnConflict};
use tenants::{
    Permission,
    error::{Code, Error, FieldIssue, Issue, Result},
    settings::currency,
};

use super::edit::edit;
use crate::{
    Ctx,
    values::{Rate, Rates},
};

/// All rates, for conversions.
pub(super) async fn load<C: ConnectionTrait>(db: &C) -> Result<Rates> {
    let mut rates = Rates::new();
    for row in table::Entity::find().all(db).await? {
        if let (Some(code), Ok(rate)) = (currency(&row.currency), Rate::from_str(&row.rate)) {
            rates.insert(code, rate);
        }
    }
    Ok(rates)
}

/// Currency, rate and when it was set (microseconds UTC), ordered by currency.
///
/// # Errors
/// When the database does not answer.
pub async fn exchange_rates(ctx: &Ctx) -> Result<Vec<(String, String, i64)>> {
    let rows = table::Entity::find().order_by_asc(table::Column::Currency).all(&ctx.db).await?;
    Ok(rows.into_iter().map(|row| (row.currency, row.rate, row.updated_at)).collect())
}

/// Sets the value of one unit of a currency in the base currency. Amounts that are already stored keep their base
/// amount.
///
/// # Errors
/// `FORBIDDEN`; `VALIDATION_FAILED` for the base currency, an unknown currency, or a rate that is not a positive
/// decimal.
pub async fn set_exchange_rate(ctx: &Ctx, code: &str, rate: &str) -> Result<()> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    let code = other_currency(ctx, code)?;
    let worth = Rate::from_str(rate).map_err(|_| refused("rate", "a positive decimal such as 134.5"))?;
    let now = ctx.caller.clock.micros();
    edit(&ctx.db, now, |edit| {
        Box::pin(async move {
            let row = table::ActiveModel {
                currency: Set(String::from_utf8_lossy(&code).into_owned()),
                rate: Set(rate.to_owned()),
                updated_at: Set(now),
            };
            let replace = OnConflict::column(table::Column::Currency)
                .update_columns([table::Column::Rate, table::Column::UpdatedAt])
                .to_owned();
            table::Entity::insert(row).on_conflict(replace).exec_without_returning(&edit.tx).await?;
            edit.catalog.rates.insert(code, worth);
            edit.touch();
            Ok(())
        })
    })
    .await
}

/// Deletes a rate. New amounts in that currency are then refused.
///
/// # Errors
/// `FORBIDDEN`; `NOT_FOUND` if there is no rate for it.
pub async fn remove_exchange_rate(ctx: &Ctx, code: &str) -> Result<()> {
    ctx.caller.demand(Permission::ConfigureCatalog)?;
    let key = other_currency(ctx, code)?;
    edit(&ctx.db, ctx.caller.clock.micros(), |edit| {
        Box::pin(async move {
            if edit.catalog.rates.remove(&key).is_none() {
                return Err(Error::new(Code::NotFound, format!("There is no rate for {code}.")));
            }
            table::Entity::delete_by_id(code).exec(&edit.tx).await?;
            edit.touch();
            Ok(())
        })
    })
    .await
}

fn other_currency(ctx: &Ctx, code: &str) -> Result<[u8; 3]> {
    let known = currency(code).filter(|code| *code != ctx.db.settings().currency);
    known.ok_or_else(|| refused("currency", "an ISO 4217 code other than the base currency"))
}

fn refused(field: &str, expected: &'static str) -> Error {
    Error::invalid(vec![FieldIssue { field: field.to_owned(), issue: Issue::WrongType(expected.into()) }])
}
