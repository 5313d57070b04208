//! What a customer is called and whether it is a person, where nobody says so.

use records::{
    Ctx,
    catalog::{Catalog, Field, FieldId, Object},
    engine::Draft,
    rules::{FollowUp, Prepared, Rules, Written},
    values::Value,
};
use tenants::error::{FieldIssue, Issue, Result};

use crate::contact_points;

/// The rules of `customer`.
pub(super) struct CustomerRules;

#[async_trait::async_trait]
impl Rules for CustomerRules {
    fn derived_from(&self, _: &Catalog, object: &Object, field: &Field) -> Vec<FieldId> {
        let sources = if field.name == "name" { NAMING } else { &[] };
        sources.iter().filter_map(|name| Some(object.standard(name)?.id)).collect()
    }

    fn required_fields(&self, object: &Object) -> Vec<FieldId> {
        ["name", "kind"].iter().chain(NAMING).filter_map(|name| Some(object.standard(name)?.id)).collect()
    }

    fn prepare(&self, _: &Ctx, object: &Object, drafts: &mut [Prepared<'_>]) {
        for Prepared { draft, issues } in drafts {
            prepare(object, draft, issues);
        }
    }

    async fn after_write(&self, ctx: &Ctx, object: &Object, written: &[Written<'_>]) -> Result<Vec<FollowUp>> {
        // what the contact points asked for is what they say already
        let own: Vec<_> = written.iter().filter(|one| one.asked_by.is_none()).map(|one| one.outcome).collect();
        contact_points::customers_to_points(ctx, object, &own).await
    }
}

/// The fields that name a customer, in the order in which [`derived_name`] prefers them after the names of a person.
const NAMING: &[&str] = &["firstName", "lastName", "companyName", "contactName", "username", "email", "phone"];

/// Decides kind and name where they are not given.
///
/// A name that was given stays; one that was derived follows what it was derived from.
fn prepare(object: &Object, draft: &mut Draft, issues: &mut Vec<FieldIssue>) {
    let creating = draft.before.is_empty();
    if let Some(kind) = object.standard("kind").filter(|_| creating)
        && draft.get(kind.id).is_none_or(|value| *value == Value::Null)
    {
        let kind_is = if is_company(object, draft) { "company" } else { "person" };
        draft.set(kind.id, Value::Text(kind_is.to_owned()));
    }
    let Some(name) = object.standard("name") else { return };
    let given = draft.get(name.id);
    if given.is_some_and(|value| *value != Value::Null) {
        return;
    }
    let was_given = given.is_none() && !creating && {
        let before = |field: &Field| draft.before.iter().find(|(id, _)| *id == field.id).map(|(_, value)| value);
        before(name).and_then(text) != derived_name(object, before).as_deref()
    };
    if was_given {
        return;
    }
    match derived_name(object, |field| draft.after(field.id)) {
        Some(derived) => draft.set(name.id, Value::Text(derived)),
        None => issues.push(FieldIssue { field: "name".to_owned(), issue: Issue::Required }),
    }
}

/// A company name and no name of a person.
fn is_company(object: &Object, draft: &Draft) -> bool {
    let has = |name: &str| object.standard(name).and_then(|field| draft.get(field.id)).and_then(text).is_some();
    has("companyName") && !has("firstName") && !has("lastName")
}

fn derived_name<'a>(object: &Object, value: impl Fn(&Field) -> Option<&'a Value>) -> Option<String> {
    let part = |name: &str| object.standard(name).and_then(&value).and_then(text);
    let person = match (part("firstName"), part("lastName")) {
        (Some(first), Some(last)) => Some(format!("{first} {last}")),
        (one, other) => one.or(other).map(str::to_owned),
    };
    let company = part("companyName").map(str::to_owned);
    let (first, second) = if part("kind") == Some("company") { (company, person) } else { (person, company) };
    first.or(second).or_else(|| NAMING[3..].iter().find_map(|name| part(name)).map(str::to_owned))
}

/// The text of a value that has one.
fn text(value: &Value) -> Option<&str> {
    let text = match value {
        Value::Text(text) => text,
        Value::Contact(contact) => &contact.typed,
        _ => return None,
    };
    (!text.trim().is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use entities::ids::{FieldId, ObjectId};
    use records::catalog::{FieldKind, Origin};

    use super::*;

    fn object() -> Object {
        let id = ObjectId::new();
        let field = |name: &&str| Field {
            origin: Origin::Standard,
            ..Field::new(FieldId::new(), id, name, name, FieldKind::Text)
        };
        let fields = ["name", "kind"].iter().chain(NAMING).map(field).collect();
        Object::new(id, "customer", "customers", "o1", Origin::Standard).with_fields(fields)
    }

    fn values(object: &Object, values: &[(&str, &str)]) -> Vec<(FieldId, Value)> {
        let value = |text: &str| if text == "-" { Value::Null } else { Value::Text(text.to_owned()) };
        values.iter().map(|(name, text)| (object.field(name).unwrap().id, value(text))).collect()
    }

    /// Kind and name after a write, `!` where the name is missing.
    fn prepared(before: &[(&str, &str)], set: &[(&str, &str)]) -> (String, String) {
        let object = object();
        let mut draft = Draft { values: values(&object, set), before: values(&object, before) };
        let mut issues = Vec::new();
        prepare(&object, &mut draft, &mut issues);
        let shown =
            |name: &str| draft.after(object.field(name).unwrap().id).and_then(text).unwrap_or_default().to_owned();
        let name = if issues.is_empty() { shown("name") } else { "!".to_owned() };
        (shown("kind"), name)
    }

    fn created(set: &[(&str, &str)]) -> (String, String) {
        prepared(&[], set)
    }

    fn pair(kind: &str, name: &str) -> (String, String) {
        (kind.to_owned(), name.to_owned())
    }

    #[test]
    fn new_customers_get_kind_and_name() {
        assert_eq!(created(&[("firstName", "Zo\u{eb}"), ("lastName", "Roy")]), pair("person", "Zo\u{eb} Roy"));
        assert_eq!(created(&[("lastName", "Roy"), ("companyName", "Acme")]), pair("person", "Roy"));
        assert_eq!(created(&[("companyName", "Acme"), ("contactName", "Zo\u{eb}")]), pair("company", "Acme"));
        assert_eq!(created(&[("companyName", "Acme"), ("kind", "person")]), pair("person", "Acme"));
        assert_eq!(created(&[("contactName", "Zo\u{eb}"), ("email", "z@x.org")]), pair("person", "Zo\u{eb}"));
        assert_eq!(created(&[("phone", "+33 1"), ("firstName", " ")]), pair("person", "+33 1"));
        assert_eq!(created(&[("name", "Z."), ("firstName", "Zo\u{eb}")]), pair("person", "Z."));
        assert_eq!(created(&[]), pair("person", "!"));
    }

    #[test]
    fn a_derived_name_follows_and_a_given_one_stays() {
        let derived = [("name", "Zo\u{eb} Roy"), ("kind", "person"), ("firstName", "Zo\u{eb}"), ("lastName", "Roy")];
        assert_eq!(prepared(&derived, &[("lastName", "Bo")]), pair("person", "Zo\u{eb} Bo"));
        assert_eq!(prepared(&derived, &[("name", "Z.")]), pair("person", "Z."));
        assert_eq!(prepared(&derived, &[("firstName", "-"), ("lastName", "-")]), pair("person", "!"));
        let given = [("name", "Z."), ("kind", "person"), ("firstName", "Zo\u{eb}"), ("lastName", "Roy")];
        assert_eq!(prepared(&given, &[("lastName", "Bo")]), pair("person", "Z."));
        assert_eq!(prepared(&given, &[("name", "-")]), pair("person", "Zo\u{eb} Roy"));
    }
}
