//! The primary contact points of a customer and its columns `email` and `phone` say the same, whichever was written.

use entities::ids::{FieldId, RecordId};
use records::{
    Ctx,
    catalog::{Catalog, Field, Object},
    engine::Draft,
    rules::{FollowUp, Prepared, Rules, Written},
    values::{Contact, Value, email, phone},
};
use tenants::error::{FieldIssue, Result};
use uuid::Uuid;

use super::follow;

/// The rules of `contactPoint`.
pub(super) struct ContactPointRules;

#[async_trait::async_trait]
impl Rules for ContactPointRules {
    fn derived_from(&self, catalog: &Catalog, object: &Object, field: &Field) -> Vec<FieldId> {
        let (of, sources): (Option<&Object>, &[&str]) = match field.name.as_str() {
            "value" | "primary" => (catalog.standard("customer"), SHOWN),
            "key" | "name" => (Some(object), &["value"]),
            _ => (None, &[]),
        };
        sources.iter().filter_map(|name| Some(of?.standard(name)?.id)).collect()
    }

    fn required_fields(&self, object: &Object) -> Vec<FieldId> {
        REQUIRED_FIELDS.iter().filter_map(|name| Some(object.standard(name)?.id)).collect()
    }

    fn prepare(&self, ctx: &Ctx, object: &Object, drafts: &mut [Prepared<'_>]) {
        for Prepared { draft, issues } in drafts {
            prepare(object, draft, &ctx.db.settings().country, issues);
        }
    }

    async fn after_write(&self, ctx: &Ctx, object: &Object, written: &[Written<'_>]) -> Result<Vec<FollowUp>> {
        // what their customer asked for is what it says already
        let own: Vec<_> = written.iter().filter(|one| one.asked_by.is_none()).map(|one| one.outcome).collect();
        follow::points_to_customers(ctx, object, &own).await
    }
}

/// What kind of address a point is, and which column of the customer it mirrors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Kind {
    Email,
    Phone,
}

impl Kind {
    /// Both.
    pub(crate) const ALL: [Kind; 2] = [Kind::Email, Kind::Phone];

    /// Key of the option.
    pub(crate) fn option(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Phone => "phone",
        }
    }

    /// Name of the customer's field.
    pub(crate) fn column(self) -> &'static str {
        match self {
            Kind::Email => "email",
            Kind::Phone => "phone",
        }
    }

    /// From the key of the option.
    pub(crate) fn of(option: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.option() == option)
    }
}

/// A contact point as it is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Point {
    pub(crate) id: RecordId,
    pub(crate) kind: Kind,
    pub(crate) contact: Contact,
    pub(crate) primary: bool,
}

/// What must be written so that the points follow their customer.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum PointChange {
    Add(Contact),
    Rewrite(RecordId, Contact),
    Promote(RecordId),
    Demote(RecordId),
    Archive(RecordId),
}

/// The fields of a customer that show its primary points.
const SHOWN: &[&str] = &["email", "phone"];
/// The fields whose stored values [`prepare`] needs on an update, and [`shown`] of a point that is gone.
const REQUIRED_FIELDS: [&str; 6] = ["kind", "value", "key", "customer", "primary", "archivedAt"];

/// On which customer, in which column, a point with these values shows; none if it does not.
pub(crate) fn shown(object: &Object, values: &[(FieldId, Value)]) -> Option<(Uuid, Kind)> {
    let value = |name: &str| {
        let field = object.standard(name)?;
        values.iter().find(|(id, _)| *id == field.id).map(|(_, value)| value)
    };
    match (value("customer")?, value("kind")?, value("primary")?, value("archivedAt")?) {
        (Value::Id(customer), Value::Text(kind), Value::Bool(true), Value::Null) => Some((*customer, Kind::of(kind)?)),
        _ => None,
    }
}

/// Derives key, validity and name of a point from what was typed.
fn prepare(object: &Object, draft: &mut Draft, country: &str, issues: &mut Vec<FieldIssue>) {
    let field = |name: &str| object.standard(name);
    let (Some(kind), Some(value), Some(key)) = (field("kind"), field("value"), field("key")) else { return };
    let typed_anew = draft.get(kind.id).is_some() || draft.get(value.id).is_some();
    // A point that mirrors its customer brings its key along.
    if !typed_anew || draft.get(key.id).is_some() {
        return;
    }
    let text = |value: Option<&Value>| match value {
        Some(Value::Text(text)) => Some(text.clone()),
        _ => None,
    };
    let (Some(kind), Some(typed)) = (text(draft.after(kind.id)), text(draft.after(value.id))) else { return };
    let contact = match Kind::of(&kind) {
        Some(Kind::Email) => email::parse(&typed),
        Some(Kind::Phone) => Ok(phone::parse(&typed, country)),
        None => return,
    };
    match contact {
        Ok(contact) => write(object, draft, &contact),
        Err(issue) => issues.push(FieldIssue { field: "value".to_owned(), issue }),
    }
}

/// Puts an address into a point's draft.
pub(crate) fn write(object: &Object, draft: &mut Draft, contact: &Contact) {
    let values = [
        ("value", Value::Text(contact.typed.clone())),
        ("key", Value::Text(contact.key.clone())),
        ("valid", Value::Bool(contact.valid)),
        ("name", Value::Text(contact.shown().to_owned())),
    ];
    for (name, value) in values {
        if let Some(field) = object.standard(name) {
            draft.set(field.id, value);
        }
    }
}

/// What the points of one kind need when the customer's column was set to an address, or emptied.
pub(crate) fn follow_customer(contact: Option<&Contact>, points: &[Point]) -> Vec<PointChange> {
    let primary = points.iter().find(|point| point.primary);
    let Some(contact) = contact else {
        return primary.map(|point| PointChange::Archive(point.id)).into_iter().collect();
    };
    let same = points.iter().filter(|point| point.contact.key == contact.key).max_by_key(|point| point.primary);
    match (same, primary) {
        (Some(same), _) if same.primary && same.contact == *contact => Vec::new(),
        (Some(same), _) if same.primary => vec![PointChange::Rewrite(same.id, contact.clone())],
        (Some(same), primary) => primary
            .map(|point| PointChange::Demote(point.id))
            .into_iter()
            .chain([PointChange::Promote(same.id)])
            .collect(),
        (None, Some(primary)) => vec![PointChange::Rewrite(primary.id, contact.clone())],
        (None, None) => vec![PointChange::Add(contact.clone())],
    }
}

#[cfg(test)]
mod tests {
    use entities::ids::ObjectId;
    use records::catalog::{Field, FieldKind, Origin};

    use super::*;

    fn contact(typed: &str) -> Contact {
        email::parse(typed).unwrap()
    }

    fn point(typed: &str, primary: bool) -> Point {
        Point { id: RecordId::new(), kind: Kind::Email, contact: contact(typed), primary }
    }

    #[test]
    fn points_follow_their_customer() {
        let (a, b) = (point("a@x.org", true), point("b@x.org", false));
        let both = [a.clone(), b.clone()];
        assert_eq!(follow_customer(Some(&contact("a@x.org")), &[]), [PointChange::Add(contact("a@x.org"))]);
        assert_eq!(follow_customer(Some(&contact("a@x.org")), &both), []);
        assert_eq!(follow_customer(Some(&contact("A@x.org")), &both), [PointChange::Rewrite(a.id, contact("A@x.org"))]);
        assert_eq!(
            follow_customer(Some(&contact("b@x.org")), &both),
            [PointChange::Demote(a.id), PointChange::Promote(b.id)]
        );
        assert_eq!(follow_customer(Some(&contact("c@x.org")), &both), [PointChange::Rewrite(a.id, contact("c@x.org"))]);
        assert_eq!(follow_customer(None, &both), [PointChange::Archive(a.id)]);
        assert_eq!(follow_customer(None, &[b]), []);
    }

    #[test]
    fn a_point_knows_its_key() {
        let id = ObjectId::new();
        let fields = ["name", "kind", "value", "key", "valid"].map(|name| Field {
            origin: Origin::Standard,
            ..Field::new(FieldId::new(), id, name, name, FieldKind::Text)
        });
        let object =
            Object::new(id, "contactPoint", "contactPoints", "o1", Origin::Standard).with_fields(fields.into());
        let field = |name: &str| object.field(name).unwrap().id;
        let prepared = |kind: &str, value: &str| {
            let mut draft = Draft::default();
            draft.set(field("kind"), Value::Text(kind.to_owned()));
            draft.set(field("value"), Value::Text(value.to_owned()));
            let mut issues = Vec::new();
            prepare(&object, &mut draft, "DZ", &mut issues);
            (draft.get(field("key")).cloned(), draft.get(field("valid")).cloned(), issues.len())
        };
        let key = |text: &str| Some(Value::Text(text.to_owned()));
        assert_eq!(prepared("email", "A@X.org"), (key("a@x.org"), Some(Value::Bool(true)), 0));
        assert_eq!(prepared("phone", "021 23 45 67"), (key("+21321234567"), Some(Value::Bool(true)), 0));
        assert_eq!(prepared("phone", "12"), (key("12"), Some(Value::Bool(false)), 0));
        assert_eq!(prepared("email", "nope"), (None, None, 1));
    }
}
