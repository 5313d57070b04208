//! The port through which objects add what a catalog cannot say: derived names, contact points, what a closed case
//! allows. An object's rules are called inside the write pipeline, each record's in this order: [`Rules::prepare`],
//! [`Rules::check`], the write itself, [`Rules::after_write`].

use std::{collections::HashMap, sync::Arc};

use tenants::error::{Error, FieldIssue, Result};

use crate::{
    Ctx,
    catalog::{Catalog, Field, FieldId, Object, ObjectId, Origin},
    engine::{Draft, Mutation, WriteKind, WriteOutcome},
    values::Value,
};

/// The rules of one object. What an object does not need, it leaves out.
#[async_trait::async_trait]
pub trait Rules: Send + Sync {
    /// The fields, of any object, whose values show in a field because rules derive it from them. Whoever may not see
    /// one of those does not see the field either.
    fn derived_from(&self, _: &Catalog, _: &Object, _: &Field) -> Vec<FieldId> {
        Vec::new()
    }

    /// The fields that `prepare` and `check` want to see as stored when a record is written, and `after_write` when it
    /// was destroyed.
    fn required_fields(&self, _: &Object) -> Vec<FieldId> {
        Vec::new()
    }

    /// The links to one record whose targets `check` wants to see, each with the fields it wants of them. They are read
    /// for all records of a batch at once.
    fn related(&self, _: &Catalog, _: &Object) -> Vec<Related> {
        Vec::new()
    }

    /// Before validation, without IO: fills derived values, refuses combinations.
    fn prepare(&self, _: &Ctx, _: &Object, _: &mut [Prepared<'_>]) {}

    /// Before records are written, archived, restored or destroyed, without IO: refuses some of them. The others of the
    /// batch go on.
    fn check(&self, _: &Ctx, _: &Object, _: &mut [Checked<'_>]) {}

    /// After records of the object are written, in the same transaction: what else must be written with them (contact
    /// points of a customer). `ctx` reads inside the transaction; rollups are as they were before it. The rules of what
    /// is written for it are called in turn, until nothing follows. A follow-up that is refused refuses the write it
    /// follows from.
    async fn after_write(&self, _: &Ctx, _: &Object, _: &[Written<'_>]) -> Result<Vec<FollowUp>> {
        Ok(Vec::new())
    }
}

/// A link, and what is read of the record that it leads to.
#[derive(Clone, Debug)]
pub struct Related {
    /// A relation to one record.
    pub link: FieldId,
    /// Fields of the object at its end.
    pub fields: Vec<FieldId>,
}

/// A record before it is validated.
#[derive(Debug)]
pub struct Prepared<'a> {
    /// New values; what is stored of the required fields, nothing of a new record.
    pub draft: &'a mut Draft,
    /// What is wrong with it.
    pub issues: &'a mut Vec<FieldIssue>,
}

/// A record before it is written.
#[derive(Debug)]
pub struct Checked<'a> {
    /// What is about to be done.
    pub kind: WriteKind,
    /// New values, complete and valid; what is stored of the required fields.
    pub draft: &'a Draft,
    /// The wanted values of linked records, by link; nothing where there is no such record.
    pub related: &'a HashMap<FieldId, Vec<(FieldId, Value)>>,
    /// Why it is not to be done.
    pub refusal: Option<Error>,
}

impl Checked<'_> {
    /// A value of the record that a link leads to, as it will be.
    pub fn of_related(&self, link: FieldId, field: FieldId) -> Option<&Value> {
        self.related.get(&link)?.iter().find(|(id, _)| *id == field).map(|(_, value)| value)
    }
}

/// A record that was written.
#[derive(Clone, Copy, Debug)]
pub struct Written<'a> {
    /// What was done.
    pub outcome: &'a WriteOutcome,
    /// The object whose rules asked for it; none for what the caller asked for.
    pub asked_by: Option<ObjectId>,
}

/// What is to be written because something else was.
#[derive(Clone, Debug)]
pub struct FollowUp {
    /// The record whose write it follows from.
    pub cause: entities::ids::RecordId,
    /// What is to be written.
    pub mutation: Mutation,
}

/// The rules of a tenant's objects.
#[derive(Clone, Default)]
pub struct RuleSet {
    /// Of standard objects, by name.
    standard: HashMap<&'static str, Arc<dyn Rules>>,
}

impl RuleSet {
    /// The same with the rules of one more standard object.
    #[must_use]
    pub fn with(mut self, object: &'static str, rules: Arc<dyn Rules>) -> Self {
        self.standard.insert(object, rules);
        self
    }

    /// The rules of an object. An admin's object has none, whatever its name.
    pub(crate) fn of(&self, object: &Object) -> Option<&Arc<dyn Rules>> {
        (object.origin == Origin::Standard).then(|| self.standard.get(object.name.as_str()))?
    }

    /// What a field is derived from by rules; nothing for an admin's field.
    pub(crate) fn derived_from(&self, catalog: &Catalog, object: &Object, field: &Field) -> Vec<FieldId> {
        match self.of(object) {
            Some(rules) if field.origin != Origin::Custom => rules.derived_from(catalog, object, field),
            _ => Vec::new(),
        }
    }

    /// The stored values that rules want to see of an object's records.
    pub(crate) fn required_fields(&self, catalog: &Catalog, object: &Object) -> Vec<FieldId> {
        let Some(rules) = self.of(object) else { return Vec::new() };
        let mut fields = rules.required_fields(object);
        fields.extend(rules.related(catalog, object).into_iter().map(|related| related.link));
        fields
    }
}

impl std::fmt::Debug for RuleSet {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RuleSet").field(&self.standard.keys().collect::<Vec<_>>()).finish()
    }
}
