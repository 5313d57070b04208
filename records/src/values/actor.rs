//! Actors in conditions: one actor, all actors of a kind, or whoever has an id.

use serde_json::Value as Json;
use tenants::{Actor, error::Issue};
use uuid::Uuid;

use super::Value;

const WANTED: &str = "an actor like { kind: \"MEMBER\", id: \"0190…\" }, or one of the two";

/// Parses `{ kind, id }`; one of the two is enough.
pub(super) fn from_json(json: &Json) -> Result<Value, Issue> {
    let wrong = || Issue::WrongType(WANTED.into());
    let given = json.as_object().ok_or_else(wrong)?;
    if given.keys().any(|key| key != "kind" && key != "id") {
        return Err(wrong());
    }
    let text = |key: &str| match given.get(key).filter(|value| !value.is_null()) {
        None => Ok(None),
        Some(value) => value.as_str().map(Some).ok_or_else(wrong),
    };
    let id = text("id")?.map(|id| id.parse::<Uuid>().map_err(|_| Issue::WrongType("an id".into()))).transpose()?;
    match (text("kind")?, id) {
        (None, None) => Err(wrong()),
        (None, Some(id)) => Ok(Value::Id(id)),
        (Some(kind), _) if !Actor::KINDS.contains(&kind) => Err(Issue::NotAnOption(Actor::KINDS.join(", "))),
        (Some(kind), None) => Ok(Value::Text(kind.to_owned())),
        (Some(kind), Some(id)) => Ok(Value::Text(format!("{kind}:{id}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_actor_is_named_by_kind_or_id() {
        let id = "01900000-0000-7000-8000-000000000001";
        let read = |json| from_json(&json);
        assert_eq!(read(json!({ "kind": "SYSTEM", "id": null })), Ok(Value::Text("SYSTEM".into())));
        assert_eq!(read(json!({ "id": id })), Ok(Value::Id(id.parse().unwrap())));
        let both = read(json!({ "kind": "MEMBER", "id": id.to_uppercase() }));
        assert_eq!(both, Ok(Value::Text(format!("MEMBER:{id}"))), "as it is stored");
        assert_eq!(read(json!({ "kind": "ROBOT" })), Err(Issue::NotAnOption(Actor::KINDS.join(", "))));
        for wrong in [json!({}), json!("SYSTEM"), json!({ "id": "x" }), json!({ "kind": 1 }), json!({ "name": "x" })] {
            assert!(matches!(read(wrong), Err(Issue::WrongType(_))));
        }
    }
}
