//! A link to a record of any object. It is stored as a text, `<object>:<record>`, both ids in 32 hexadecimal digits: so
//! an index serves a record, and a range of it all records of an object.

use serde_json::{Value as Json, json};
use tenants::error::Issue;
use uuid::Uuid;

use super::Value;
use crate::catalog::{Catalog, Field, FieldKind, ObjectId};

const EXPECTED: &str = "a link like { object: \"customer\", id: … }";

/// What a link leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Target {
    /// The object.
    pub object: ObjectId,
    /// Its record.
    pub record: Uuid,
}

impl Target {
    /// Where the record's id begins in the stored text, counted from 1 as SQL does.
    pub(crate) const RECORD_AT: i64 = 34;

    /// The text that is stored.
    pub fn stored(self) -> String {
        format!("{}:{}", self.object.0.simple(), self.record.simple())
    }

    /// The target of a stored text.
    pub fn parse(stored: &str) -> Option<Self> {
        let (object, record) = stored.split_once(':')?;
        Some(Self { object: ObjectId(object.parse().ok()?), record: record.parse().ok()? })
    }

    /// The target of a value.
    pub fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Text(stored) => Self::parse(stored),
            _ => None,
        }
    }

    /// With ids alone: names are the catalog's.
    pub(super) fn json(self) -> Json {
        json!({ "object": self.object, "id": self.record })
    }
}

/// Parses a link from the API, `{ object, id }`, the object by its name.
pub fn target_from_json(catalog: &Catalog, field: &Field, json: &Json) -> Result<Value, Issue> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    let part = |name: &str| json.get(name).and_then(Json::as_str);
    let (Some(object), Some(id)) = (part("object"), part("id")) else {
        return Err(Issue::WrongType(EXPECTED.into()));
    };
    target(catalog, field, object, id)
}

/// Parses a link from a cell, `customer:<id>`.
pub fn target_from_text(catalog: &Catalog, field: &Field, text: &str) -> Result<Value, Issue> {
    match text.trim().split_once(':') {
        Some((object, id)) => target(catalog, field, object.trim(), id.trim()),
        None => Err(Issue::WrongType("a link like customer:<id>".into())),
    }
}

fn target(catalog: &Catalog, field: &Field, object: &str, id: &str) -> Result<Value, Issue> {
    let object = catalog.object(object).ok_or(Issue::NoSuchRecord)?.id;
    let FieldKind::Link { to } = &field.kind else { return Err(Issue::NoSuchRecord) };
    if !to.is_empty() && !to.contains(&object) {
        let names = to.iter().filter_map(|id| Some(catalog.object_by_id(*id)?.name.as_str()));
        return Err(Issue::NotAnOption(names.collect::<Vec<_>>().join(", ")));
    }
    let record = id.parse().map_err(|_| Issue::WrongType("an id".into()))?;
    Ok(Value::Text(Target { object, record }.stored()))
}

#[cfg(test)]
mod tests {
    use super::{super::testing::field, *};
    use crate::fixture;

    #[test]
    fn links_name_an_object_and_a_record() {
        let catalog = fixture::catalog();
        let id = Uuid::from_u128(7);
        let any = field(FieldKind::Link { to: Vec::new() });
        let json = json!({ "object": "vehicle", "id": id });
        let value = target_from_json(&catalog, &any, &json).unwrap();
        let target = Target::of(&value).unwrap();
        assert_eq!((target.object, target.record), (fixture::object_id(2), id));
        assert_eq!(target_from_text(&catalog, &any, &format!(" vehicle:{id}")), Ok(value));
        assert_eq!(target.stored().find(':').map(|at| at as i64 + 2), Some(Target::RECORD_AT));
        assert_eq!(target_from_json(&catalog, &any, &Json::Null), Ok(Value::Null));

        let customers = field(FieldKind::Link { to: vec![fixture::object_id(1)] });
        assert_eq!(target_from_json(&catalog, &customers, &json), Err(Issue::NotAnOption("customer".into())));
        let nowhere = json!({ "object": "nothing", "id": id });
        assert_eq!(target_from_json(&catalog, &any, &nowhere), Err(Issue::NoSuchRecord));
        for wrong in [json!("x"), json!({ "object": "vehicle" }), json!({ "object": "vehicle", "id": "x" })] {
            assert!(matches!(target_from_json(&catalog, &any, &wrong), Err(Issue::WrongType(_))), "{wrong}");
        }
    }
}
