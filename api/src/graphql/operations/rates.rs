//! Exchange rates.

use records::{Ctx, catalog};
use serde_json::{Map, Value as Json, json};
use tenants::error::{Error, Result};

use crate::graphql::execute::instant;

/// The declarations of this file's operations.
pub const DECLARED: &str = include_str!("rates.graphql");

/// Runs one of this file's operations; none where the name is not one.
///
/// # Errors
/// Those of [`records::catalog`].
pub async fn run(ctx: &Ctx, name: &str, args: &Map<String, Json>) -> Option<Result<Json>> {
    Some(match name {
        "exchangeRates" => list(ctx).await.map(Json::Array),
        "setExchangeRate" => set(ctx, args).await,
        "removeExchangeRate" => remove(ctx, args).await,
        _ => return None,
    })
}

async fn list(ctx: &Ctx) -> Result<Vec<Json>> {
    let rates = catalog::exchange_rates(ctx).await?;
    let tree = |(currency, rate, at)| json!({ "currency": currency, "rate": rate, "updatedAt": instant(at) });
    Ok(rates.into_iter().map(tree).collect())
}

async fn set(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let currency = text(args, "currency");
    catalog::set_exchange_rate(ctx, currency, text(args, "rate")).await?;
    let set = list(ctx).await?.into_iter().find(|rate| rate["currency"] == currency);
    set.ok_or_else(|| Error::internal("the rate that was set is not there"))
}

async fn remove(ctx: &Ctx, args: &Map<String, Json>) -> Result<Json> {
    let currency = text(args, "currency");
    catalog::remove_exchange_rate(ctx, currency).await?;
    Ok(currency.into())
}

fn text<'a>(args: &'a Map<String, Json>, name: &str) -> &'a str {
    args.get(name).and_then(Json::as_str).unwrap_or_default()
}
