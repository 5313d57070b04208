//! The port through which objects add what a catalog cannot say: derived names, contact points, plugins.

use tenants::error::{FieldIssue, Result};

use crate::{
    Ctx,
    catalog::{Catalog, Field, FieldId, Object},
    engine::{Draft, Mutation, WriteOutcome},
};

/// Rules of the standard objects, called inside the write pipeline.
#[async_trait::async_trait]
pub trait Rules: Send + Sync {
    /// The fields, of any object, whose values show in a field because rules make it of them. Whoever may not see one
    /// of those does not see the field either.
    fn derived_from(&self, catalog: &Catalog, object: &Object, field: &Field) -> Vec<FieldId>;

    /// Before validation, without IO: fills derived values, refuses combinations. `before` answers the stored
    /// value of a field on update, and nothing on create.
    fn prepare(&self, ctx: &Ctx, object: &Object, draft: &mut Draft, issues: &mut Vec<FieldIssue>);

    /// The fields that `prepare` wants to see as stored when a record of this object is updated, and `after_write` when it was
    /// destroyed.
    fn required_fields(&self, object: &Object) -> Vec<FieldId>;

    /// After the rows are written, in the same transaction: what else must be written with them
    /// (contact points of a customer). Their own rules run, but they are not followed again.
    async fn after_write(&self, ctx: &Ctx, tx: &tenants::TenantTx, written: &[WriteOutcome]) -> Result<Vec<Mutation>>;
}
