//! When an interaction happened, who wrote it and what it is called, where nobody says so.

use entities::ids::MemberId;
use records::{
    Ctx,
    catalog::{Catalog, Field, FieldId, Object},
    engine::Draft,
    rules::{Prepared, Rules},
    values::Value,
};
use tenants::Actor;

/// Longest name taken from the text of an interaction, in characters.
const NAME: usize = 80;

/// The rules of `interaction`.
pub(super) struct InteractionRules;

impl Rules for InteractionRules {
    fn derived_from(&self, _: &Catalog, object: &Object, field: &Field) -> Vec<FieldId> {
        let sources: &[&str] = if field.name == "name" { &["subject", "body"] } else { &[] };
        sources.iter().filter_map(|name| Some(object.standard(name)?.id)).collect()
    }

    fn required_fields(&self, object: &Object) -> Vec<FieldId> {
        ["subject", "body", "kind"].iter().filter_map(|name| Some(object.standard(name)?.id)).collect()
    }

    fn prepare(&self, ctx: &Ctx, object: &Object, drafts: &mut [Prepared<'_>]) {
        for Prepared { draft, .. } in drafts {
            prepare(object, draft, ctx.caller.actor, ctx.caller.clock.micros());
        }
    }
}

/// Fills the time, the author and the name.
fn prepare(object: &Object, draft: &mut Draft, actor: Actor, now: i64) {
    let creating = draft.before.is_empty();
    if creating {
        fill(object, draft, "occurredAt", Value::Int(now));
        if let Actor::Member(MemberId(id)) = actor {
            fill(object, draft, "author", Value::Id(id));
        }
    }
    if let (Some(field), Some(name)) = (object.standard("name"), name(object, draft)) {
        draft.set(field.id, Value::Text(name));
    }
}

fn fill(object: &Object, draft: &mut Draft, name: &str, value: Value) {
    if let Some(field) = object.standard(name)
        && draft.get(field.id).is_none_or(|given| *given == Value::Null)
    {
        draft.set(field.id, value);
    }
}

/// The subject, else the first line of the text, else the kind.
fn name(object: &Object, draft: &Draft) -> Option<String> {
    let part = |name: &str| match object.standard(name).and_then(|field| draft.after(field.id)) {
        Some(Value::Text(text)) => text.lines().map(str::trim).find(|line| !line.is_empty()),
        _ => None,
    };
    let line = part("subject").or_else(|| part("body")).or_else(|| part("kind"))?;
    Some(line.chars().take(NAME).collect())
}

#[cfg(test)]
mod tests {
    use entities::ids::{FieldId, ObjectId};
    use records::catalog::{FieldKind, Origin};

    use super::*;

    fn object() -> Object {
        let id = ObjectId::new();
        let fields = ["name", "kind", "subject", "body", "occurredAt", "author"].map(|name| Field {
            origin: Origin::Standard,
            ..Field::new(FieldId::new(), id, name, name, FieldKind::Text)
        });
        Object::new(id, "interaction", "interactions", "o1", Origin::Standard).with_fields(fields.into())
    }

    #[test]
    fn fills_what_is_not_given() {
        let object = object();
        let id = |name: &str| object.field(name).unwrap().id;
        let mut draft = Draft::default();
        draft.set(id("kind"), Value::Text("note".to_owned()));
        draft.set(id("body"), Value::Text("\n  Called back \nlater".to_owned()));
        let member = MemberId::new();
        prepare(&object, &mut draft, Actor::Member(member), 7);
        assert_eq!(draft.get(id("occurredAt")), Some(&Value::Int(7)));
        assert_eq!(draft.get(id("author")), Some(&Value::Id(member.0)));
        assert_eq!(draft.get(id("name")), Some(&Value::Text("Called back".to_owned())));
    }

    #[test]
    fn an_update_touches_the_name_alone() {
        let object = object();
        let id = |name: &str| object.field(name).unwrap().id;
        let mut draft = Draft { before: vec![(id("kind"), Value::Text("call".to_owned()))], ..Draft::default() };
        draft.set(id("subject"), Value::Text("x".repeat(200)));
        prepare(&object, &mut draft, Actor::System, 7);
        assert_eq!(draft.get(id("occurredAt")), None);
        assert_eq!(draft.get(id("name")), Some(&Value::Text("x".repeat(NAME))));
    }
}
