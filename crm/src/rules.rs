//! The rules of the standard objects, as the record engine calls them.

use std::sync::Arc;

use records::{
    Ctx,
    catalog::{Catalog, Field, FieldId, Object, Origin},
    engine::{Draft, Mutation, WriteOutcome},
    rules::Rules,
};
use tenants::{
    TenantTx,
    error::{FieldIssue, Result},
};

use crate::{contact_points, customers, interactions};

/// Rules of customers, contact points and interactions. Objects of admins have none.
#[derive(Clone, Copy, Debug, Default)]
pub struct CrmRules;

impl CrmRules {
    /// The rules, as a context takes them.
    pub fn shared() -> Arc<dyn Rules> {
        Arc::new(Self)
    }
}

#[async_trait::async_trait]
impl Rules for CrmRules {
    fn derived_from(&self, catalog: &Catalog, object: &Object, field: &Field) -> Vec<FieldId> {
        let names: &[(&str, &[&str])] = match (standard(object), field.name.as_str()) {
            ("customer", "name") => &[("customer", customers::rules::NAMING)],
            ("contactPoint", "value" | "primary") => &[("customer", contact_points::rules::SHOWN)],
            ("contactPoint", "key") => &[("contactPoint", &["value"])],
            ("contactPoint", "name") => &[("contactPoint", &["value"])],
            ("interaction", "name") => &[("interaction", &["subject", "body"])],
            _ => return Vec::new(),
        };
        if field.origin == Origin::Custom {
            return Vec::new();
        }
        let ids = |(object, names): &(&str, &[&str])| {
            let object = catalog.object(object).filter(|object| object.origin == Origin::Standard);
            names.iter().filter_map(|name| Some(object?.standard(name)?.id)).collect::<Vec<_>>()
        };
        names.iter().flat_map(ids).collect()
    }

    fn prepare(&self, ctx: &Ctx, object: &Object, draft: &mut Draft, issues: &mut Vec<FieldIssue>) {
        match standard(object) {
            "customer" => customers::rules::prepare(object, draft, issues),
            "contactPoint" => {
                contact_points::rules::prepare(object, draft, &ctx.db.settings().country, issues);
            }
            "interaction" => {
                interactions::rules::prepare(object, draft, ctx.caller.actor, ctx.caller.clock.micros());
            }
            _ => {}
        }
    }

    fn required_fields(&self, object: &Object) -> Vec<FieldId> {
        let fields: Vec<&Field> = match standard(object) {
            "customer" => customers::rules::required_fields(object),
            "contactPoint" => {
                contact_points::rules::REQUIRED_FIELDS.iter().filter_map(|name| object.standard(name)).collect()
            }
            "interaction" => interactions::rules::required_fields(object),
            _ => Vec::new(),
        };
        fields.into_iter().map(|field| field.id).collect()
    }

    async fn after_write(&self, ctx: &Ctx, tx: &TenantTx, written: &[WriteOutcome]) -> Result<Vec<Mutation>> {
        let of = |name: &str| {
            let object = ctx.catalog.object(name).filter(|object| object.origin == Origin::Standard)?;
            let written: Vec<&WriteOutcome> = written.iter().filter(|one| one.object == object.id).collect();
            (!written.is_empty()).then_some((object, written))
        };
        let mut mutations = Vec::new();
        if let Some((object, written)) = of("customer") {
            mutations.extend(contact_points::customers_to_points(ctx, tx, object, &written).await?);
        }
        if let Some((object, written)) = of("contactPoint") {
            mutations.extend(contact_points::points_to_customers(ctx, tx, object, &written).await?);
        }
        Ok(mutations)
    }
}

/// The name of an object that code declared.
fn standard(object: &Object) -> &str {
    if object.origin == Origin::Standard { &object.name } else { "" }
}
