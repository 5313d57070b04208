//! Exchange rates.

use records::{
    Ctx, catalog,
    operations::{Entry, Module, NoArgs, Permit},
};
use serde::Deserialize;
use serde_json::{Value as Json, json};
use tenants::{
    Permission,
    error::{Error, Result},
};

use crate::graphql::execute::instant;

/// The operations of exchange rates.
pub fn module() -> Module {
    let configure = Permit::Named(Permission::ConfigureCatalog);
    Module {
        declared: include_str!("rates.graphql"),
        entries: vec![
            Entry::new("exchangeRates", list).permit(Permit::SignedIn),
            Entry::new("setExchangeRate", set).permit(configure),
            Entry::new("removeExchangeRate", remove).permit(configure),
        ],
        fields: Vec::new(),
    }
}

#[derive(Deserialize)]
struct Set {
    currency: String,
    rate: String,
}

#[derive(Deserialize)]
struct Remove {
    currency: String,
}

async fn list(ctx: Ctx, _: NoArgs) -> Result<Vec<Json>> {
    trees(&ctx).await
}

async fn set(ctx: Ctx, args: Set) -> Result<Json> {
    catalog::set_exchange_rate(&ctx, &args.currency, &args.rate).await?;
    let set = trees(&ctx).await?.into_iter().find(|rate| rate["currency"] == args.currency);
    set.ok_or_else(|| Error::internal("the rate that was set is not there"))
}

async fn remove(ctx: Ctx, args: Remove) -> Result<String> {
    catalog::remove_exchange_rate(&ctx, &args.currency).await?;
    Ok(args.currency)
}

async fn trees(ctx: &Ctx) -> Result<Vec<Json>> {
    let rates = catalog::exchange_rates(ctx).await?;
    let tree = |(currency, rate, at)| json!({ "currency": currency, "rate": rate, "updatedAt": instant(at) });
    Ok(rates.into_iter().map(tree).collect())
}
