//! A stored filter as the API writes it, under the names that its fields have now.

use serde_json::{Map, Value as Json, json};

use crate::{
    catalog::{Catalog, Field},
    values::{self, Value},
};

use super::{Filter, Operator, Period, Quantifier, Test, parse::PERIODS};

/// What [`super::parse`] would read as this filter. Conditions on fields that are gone are left out.
pub fn show(catalog: &Catalog, filter: &Filter) -> Json {
    Json::Object(shown(catalog, filter))
}

fn shown(catalog: &Catalog, filter: &Filter) -> Map<String, Json> {
    match filter {
        Filter::And(parts) => parts.iter().map(|part| shown(catalog, part)).fold(Map::new(), both),
        Filter::Or(parts) => {
            let parts: Json = parts.iter().map(|part| show(catalog, part)).collect();
            one("or", parts)
        }
        Filter::Not(part) => one("not", show(catalog, part)),
        Filter::Field { field, test } => {
            let Some(field) = catalog.field(*field) else { return Map::new() };
            let (operator, value) = tested(catalog, field, test);
            let test = json!({ operator: value });
            one(&field.name, if field.relation().is_some() { json!({ "id": test }) } else { test })
        }
        Filter::Related { field, quantifier, filter } => {
            let Some(field) = catalog.field(*field) else { return Map::new() };
            let filter = show(catalog, filter);
            let related = match quantifier {
                Quantifier::One => filter,
                Quantifier::Some => json!({ "some": filter }),
                Quantifier::None => json!({ "none": filter }),
                Quantifier::Every => json!({ "every": filter }),
            };
            one(&field.name, related)
        }
        Filter::Counted { field, count, filter } => {
            let Some(field) = catalog.field(*field) else { return Map::new() };
            let count: Map<_, _> =
                count.iter().map(|test| test.shown()).map(|(name, number)| (name.to_owned(), number)).collect();
            let filter = shown(catalog, filter);
            let mut counted = one("count", Json::Object(count));
            if !filter.is_empty() {
                counted.insert("where".to_owned(), Json::Object(filter));
            }
            one(&field.name, Json::Object(counted))
        }
    }
}

fn one(key: &str, value: Json) -> Map<String, Json> {
    Map::from_iter([(key.to_owned(), value)])
}

/// Two conditions that must both hold, in one object where their keys allow it.
fn both(mut left: Map<String, Json>, right: Map<String, Json>) -> Map<String, Json> {
    let clash = right.iter().any(|(key, value)| match (left.get(key), value) {
        (None, _) => false,
        (Some(Json::Object(known)), Json::Object(more)) if !matches!(key.as_str(), "not") => {
            more.keys().any(|key| known.contains_key(key))
        }
        _ => true,
    });
    if clash {
        return one("and", Json::Array(vec![Json::Object(left), Json::Object(right)]));
    }
    for (key, value) in right {
        match (left.get_mut(&key), value) {
            (Some(Json::Object(known)), Json::Object(more)) => known.extend(more),
            (_, value) => drop(left.insert(key, value)),
        }
    }
    left
}

/// The key of a comparison and what it takes.
fn tested(catalog: &Catalog, field: &Field, test: &Test) -> (&'static str, Json) {
    let value = |value: &Value| match value {
        // a link is compared with ids of records
        Value::Id(id) => Json::from(id.to_string()),
        value => values::to_json(field, value),
    };
    let taken = match test {
        Test::Eq(wanted)
        | Test::Ne(wanted)
        | Test::Lt(wanted)
        | Test::Lte(wanted)
        | Test::Gt(wanted)
        | Test::Gte(wanted) => value(wanted),
        Test::In(list) | Test::NotIn(list) => list.iter().map(value).collect(),
        Test::IsNull(null) => Json::Bool(*null),
        Test::Contains(text) | Test::StartsWith(text) | Test::EndsWith(text) => Json::from(text.as_str()),
        Test::HasAny(words) | Test::HasAll(words) | Test::HasNone(words) => words.iter().map(String::as_str).collect(),
        Test::Target(objects) => {
            let names = objects.iter().filter_map(|id| Some(catalog.object_by_id(*id)?.name.as_str()));
            json!({ "in": names.collect::<Vec<_>>() })
        }
        Test::Period(period) => return spanned(*period),
    };
    (Operator::of(test).name(), taken)
}

fn spanned(period: Period) -> (&'static str, Json) {
    match period {
        Period::LastDays(days) => ("lastDays", days.into()),
        Period::NextDays(days) => ("nextDays", days.into()),
        Period::OlderThanDays(days) => ("olderThanDays", days.into()),
        Period::AfterDays(days) => ("afterDays", days.into()),
        named => {
            let found = PERIODS.iter().find(|(.., period)| *period == named);
            ("period", found.map_or(Json::Null, |(_, name, _)| Json::from(*name)))
        }
    }
}
