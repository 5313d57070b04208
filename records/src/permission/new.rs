//! Which records a caller may create: only their own, if the role says so. A record that a person creates without
//! naming an owner is theirs.

use std::collections::HashSet;

use entities::ids::RecordId;
use sea_orm::ConnectionTrait;
use tenants::{
    Operation, Origin, RowScope,
    error::{FieldIssue, Issue, Result},
};
use uuid::Uuid;

use super::rows;
use crate::{
    Ctx,
    catalog::{Field, FieldKind, Object},
    engine::Draft,
    values::Value,
};

/// The condition on new records of an object.
pub(crate) struct NewRecords<'a> {
    ctx: &'a Ctx,
    holder: Option<&'a Field>,
    whole: Option<(&'a Field, &'a Object)>,
    /// Whose records may be created; `None` for anybody's.
    people: Option<Vec<Uuid>>,
}

impl<'a> NewRecords<'a> {
    /// The row scope of an operation that creates records, or makes them part of another record.
    ///
    /// # Errors
    /// `FORBIDDEN` if it allows none.
    pub fn of(ctx: &'a Ctx, object: &'a Object, operation: Operation) -> Result<Self> {
        let scope = rows::permit(ctx, object, operation)?;
        let people = (scope != RowScope::All).then(|| rows::people(ctx, scope));
        Ok(Self { ctx, holder: rows::holder(ctx, object), whole: rows::whole(ctx, object), people })
    }

    /// Fills in the owner if none is given, and returns whether the caller may create the record.
    pub fn own(&self, draft: &mut Draft) -> Option<FieldIssue> {
        let (holder, me) = (self.holder?, self.ctx.caller.actor.id()?);
        if holder.kind == FieldKind::Id {
            // the record itself is the person, and a new one is not the caller
            return self.people.as_ref().map(|_| FieldIssue { field: holder.name.clone(), issue: Issue::Forbidden });
        }
        let by_hand = matches!(self.ctx.caller.origin, Origin::Graphql | Origin::Rest);
        let given = match draft.get(holder.id) {
            None if by_hand || self.people.is_some() => {
                draft.set(holder.id, Value::Id(me));
                Some(me)
            }
            Some(Value::Id(id)) => Some(*id),
            _ => None,
        };
        let allowed = self.people.as_ref().is_none_or(|people| given.is_some_and(|given| people.contains(&given)));
        (!allowed).then(|| FieldIssue { field: holder.name.clone(), issue: Issue::Forbidden })
    }

    /// The positions of the drafts that would belong to a record outside the caller's row scope.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn out_of_scope(&self, db: &impl ConnectionTrait, drafts: &[&Draft]) -> Result<Vec<(usize, FieldIssue)>> {
        let (Some((link, whole)), Some(people)) = (self.whole, &self.people) else { return Ok(Vec::new()) };
        let target = |draft: &Draft| match draft.get(link.id) {
            Some(Value::Id(id)) => Some(RecordId(*id)),
            _ => None,
        };
        let ids: HashSet<RecordId> = drafts.iter().filter_map(|draft| target(draft)).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let reached = rows::reached(self.ctx, whole, people);
        let within = rows::among(self.ctx, db, whole, &ids, &reached).await?;
        let stray = |draft: &&Draft| target(draft).is_some_and(|id| !within.contains(&id));
        let places = drafts.iter().enumerate().filter(|(_, draft)| stray(draft)).map(|(place, _)| place);
        Ok(places.map(|at| (at, FieldIssue { field: link.name.clone(), issue: Issue::NoSuchRecord })).collect())
    }
}
