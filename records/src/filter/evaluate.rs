//! A filter on a record in hand, judged by its values alone: for conditions on what is about to be written. Says what the
//! compiled filter would say of the stored row.

use std::borrow::Cow;

use entities::ids::FieldId;

use crate::{
    calendar,
    catalog::{Field, FieldKind},
    columns::kind_of_values,
    values::{self, Target, Value},
};

use super::{Filter, Scope, Test, compare::needle_of, linked};

/// Whether a record matches. `value` answers what it holds in a field. Related records are not looked at: a condition
/// on them does not hold.
pub fn holds<'v>(scope: Scope<'_>, filter: &Filter, value: &impl Fn(FieldId) -> Cow<'v, Value>) -> bool {
    match filter {
        Filter::And(parts) => parts.iter().all(|part| holds(scope, part, value)),
        Filter::Or(parts) => parts.iter().any(|part| holds(scope, part, value)),
        Filter::Not(part) => !holds(scope, part, value),
        Filter::Related { .. } | Filter::Counted { .. } => false,
        Filter::Field { field, test } => match scope.catalog.field(*field) {
            Some(field) => passes(scope, field, &value(field.id), test),
            None => false,
        },
    }
}

/// What a value is compared by.
#[derive(Debug, PartialEq, PartialOrd)]
enum Key {
    Bool(bool),
    Int(i64),
    Text(String),
    Id(uuid::Uuid),
}

fn key(field: &Field, value: &Value) -> Option<Key> {
    Some(match value {
        Value::Bool(value) => Key::Bool(*value),
        Value::Int(value) => Key::Int(*value),
        Value::Money(money) => Key::Int(money.base),
        Value::Id(id) => Key::Id(*id),
        Value::Text(text) if text.is_empty() => return None,
        Value::Text(_) if linked::is_link(field) => Key::Id(Target::of(value)?.record),
        Value::Text(text) => Key::Text(values::key(field, value).unwrap_or_else(|| text.clone())),
        Value::Contact(contact) if contact.typed.is_empty() => return None,
        Value::Contact(contact) => Key::Text(contact.key.clone()),
        Value::Null | Value::List(_) | Value::Ids(_) | Value::Pairs(_) => return None,
    })
}

fn passes(scope: Scope<'_>, field: &Field, value: &Value, test: &Test) -> bool {
    let held = key(field, value);
    let equals = |wanted: &Value| held.is_some() && held == key(field, wanted);
    let ordered = |wanted: &Value| match (&held, key(field, wanted)) {
        (Some(held), Some(wanted)) => held.partial_cmp(&wanted),
        _ => None,
    };
    let text = |found: &dyn Fn(&str, &str) -> bool, wanted: &str| match &held {
        Some(Key::Text(held)) => found(held, &needle_of(field, wanted)),
        _ => false,
    };
    match test {
        Test::Eq(wanted) => equals(wanted),
        Test::Ne(wanted) => !equals(wanted),
        Test::In(list) => list.iter().any(equals),
        Test::NotIn(list) => !list.iter().any(equals),
        Test::Lt(wanted) => ordered(wanted).is_some_and(|order| order.is_lt()),
        Test::Lte(wanted) => ordered(wanted).is_some_and(|order| order.is_le()),
        Test::Gt(wanted) => ordered(wanted).is_some_and(|order| order.is_gt()),
        Test::Gte(wanted) => ordered(wanted).is_some_and(|order| order.is_ge()),
        Test::IsNull(null) => (held.is_none() && words(value).is_empty()) == *null,
        Test::Contains(wanted) => text(&|held, wanted| held.contains(wanted), wanted),
        Test::StartsWith(wanted) => text(&|held, wanted| held.starts_with(wanted), wanted),
        Test::EndsWith(wanted) => text(&|held, wanted| held.ends_with(wanted), wanted),
        Test::HasAny(wanted) => wanted.iter().any(|word| words(value).contains(word)),
        Test::HasAll(wanted) => wanted.iter().all(|word| words(value).contains(word)),
        Test::HasNone(wanted) => !wanted.iter().any(|word| words(value).contains(word)),
        Test::Target(objects) => Target::of(value).is_some_and(|target| objects.contains(&target.object)),
        Test::Period(period) => {
            let span = match kind_of_values(&field.kind) {
                FieldKind::Date => calendar::days(*period, scope.now, scope.zone),
                _ => calendar::instants(*period, scope.now, scope.zone),
            };
            let calendar::Span { from, until } = span;
            match held {
                Some(Key::Int(held)) => from.is_none_or(|from| held >= from) && until.is_none_or(|until| held < until),
                _ => false,
            }
        }
    }
}

fn words(value: &Value) -> &[String] {
    match value {
        Value::List(words) => words,
        _ => &[],
    }
}
