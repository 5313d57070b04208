//! Which records a caller may make: of their own, where the role says so. A record that a person makes without naming
//! an owner is theirs.

use std::collections::HashSet;

use entities::ids::{MemberId, RecordId};
use sea_orm::ConnectionTrait;
use tenants::{
    Actor, Operation, Origin, RowScope,
    error::{FieldIssue, Issue, Result},
};

use super::rows;
use crate::{
    Ctx,
    catalog::{Field, Object},
    engine::Draft,
    values::Value,
};

/// What new records of an object must be, for the caller to make them.
pub(crate) struct NewRecords<'a> {
    ctx: &'a Ctx,
    owner: Option<&'a Field>,
    whole: Option<(&'a Field, &'a Object)>,
    /// Whose records may be made; nothing for everybody's.
    members: Option<Vec<MemberId>>,
}

impl<'a> NewRecords<'a> {
    /// What the caller's role says of records that an operation makes, or makes part of another one.
    ///
    /// # Errors
    /// `FORBIDDEN` where it allows none.
    pub fn of(ctx: &'a Ctx, object: &'a Object, operation: Operation) -> Result<Self> {
        let scope = rows::permit(ctx, object, operation)?;
        let members = (scope != RowScope::All).then(|| rows::members(ctx, scope));
        let owner = rows::owner(object);
        let whole = if owner.is_none() { rows::whole(ctx, object) } else { None };
        Ok(Self { ctx, owner, whole, members })
    }

    /// Fills in the owner where nobody named one, and says whether the record is one that the caller may make.
    pub fn own(&self, draft: &mut Draft) -> Option<FieldIssue> {
        let (owner, Actor::Member(me)) = (self.owner?, self.ctx.caller.actor) else { return None };
        let by_hand = matches!(self.ctx.caller.origin, Origin::Graphql | Origin::Rest);
        let given = match draft.get(owner.id) {
            None if by_hand || self.members.is_some() => {
                draft.set(owner.id, Value::Id(me.0));
                Some(me)
            }
            Some(Value::Id(id)) => Some(MemberId(*id)),
            _ => None,
        };
        let allowed = self.members.as_ref().is_none_or(|members| given.is_some_and(|given| members.contains(&given)));
        (!allowed).then(|| FieldIssue { field: owner.name.clone(), issue: Issue::Forbidden })
    }

    /// Those of the drafts, by their places, that would belong to a record out of the caller's reach.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn astray(&self, db: &impl ConnectionTrait, drafts: &[&Draft]) -> Result<Vec<(usize, FieldIssue)>> {
        let (Some((link, whole)), Some(members)) = (self.whole, &self.members) else { return Ok(Vec::new()) };
        let target = |draft: &Draft| match draft.get(link.id) {
            Some(Value::Id(id)) => Some(RecordId(*id)),
            _ => None,
        };
        let ids: HashSet<RecordId> = drafts.iter().filter_map(|draft| target(draft)).collect();
        let ids: Vec<RecordId> = ids.into_iter().collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let reached = rows::reached(self.ctx, whole, members);
        let within = rows::among(self.ctx, db, whole, &ids, &reached).await?;
        let stray = |draft: &&Draft| target(draft).is_some_and(|id| !within.contains(&id));
        let places = drafts.iter().enumerate().filter(|(_, draft)| stray(draft)).map(|(place, _)| place);
        Ok(places.map(|at| (at, FieldIssue { field: link.name.clone(), issue: Issue::NoSuchRecord })).collect())
    }
}
