//! What a role is to be, from names to ids.

use std::collections::BTreeMap;

use records::{
    catalog::{Catalog, Object, ObjectId},
    roles::RolePatch,
};
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};
use tenants::{
    Operation,
    access::ObjectGrant,
    error::{Error, FieldIssue, Issue, Result},
};

/// The `input` argument.
///
/// # Errors
/// `VALIDATION_FAILED` naming the place of an object or field that is not there, or that is named twice.
pub fn role(catalog: &Catalog, args: &Map<String, Json>) -> Result<RolePatch> {
    let input = args.get("input").unwrap_or(&Json::Null);
    let text = |name: &str| input[name].as_str().map(str::to_owned);
    let mut issues = Vec::new();
    let others = &input["others"];
    let patch = RolePatch {
        name: text("name"),
        label: text("label"),
        permissions: input["permissions"].as_array().map(|given| given.iter().filter_map(read).collect()),
        others: others.is_object().then(|| grant(None, others, "others", &mut issues)),
        objects: input["objects"].as_array().map(|given| objects(catalog, given, &mut issues)),
    };
    if issues.is_empty() { Ok(patch) } else { Err(Error::invalid(issues)) }
}

fn objects(catalog: &Catalog, given: &[Json], issues: &mut Vec<FieldIssue>) -> BTreeMap<ObjectId, ObjectGrant> {
    let mut objects = BTreeMap::new();
    for (place, input) in given.iter().enumerate() {
        let path = format!("objects.{place}");
        let name = input["object"].as_str().unwrap_or_default();
        let Some(object) = catalog.object(name) else {
            let why = format!("There is no object `{name}`.");
            issues.push(FieldIssue { field: format!("{path}.object"), issue: Issue::Rule(why) });
            continue;
        };
        if objects.insert(object.id, grant(Some(object), input, &path, issues)).is_some() {
            let why = format!("`{name}` is named twice.");
            issues.push(FieldIssue { field: format!("{path}.object"), issue: Issue::Rule(why) });
        }
    }
    objects
}

fn grant(object: Option<&Object>, input: &Json, path: &str, issues: &mut Vec<FieldIssue>) -> ObjectGrant {
    let mut grant =
        ObjectGrant { other_fields: read(&input["otherFields"]).unwrap_or_default(), ..ObjectGrant::default() };
    if object.is_none() && input["object"].is_string() {
        let why = "Objects are named in `objects`; this is for all others.".to_owned();
        issues.push(FieldIssue { field: format!("{path}.object"), issue: Issue::Rule(why) });
    }
    for operation in Operation::ALL {
        if let Some(scope) = read(&input[operation.name().to_ascii_lowercase()]) {
            grant.operations.insert(operation, scope);
        }
    }
    for (place, given) in input["fields"].as_array().into_iter().flatten().enumerate() {
        let name = given["field"].as_str().unwrap_or_default();
        match object.and_then(|object| object.field(name)) {
            Some(field) => {
                if grant.fields.insert(field.id, read(&given["access"]).unwrap_or_default()).is_some() {
                    let why = format!("`{name}` is named twice.");
                    issues.push(FieldIssue { field: format!("{path}.fields.{place}.field"), issue: Issue::Rule(why) });
                }
            }
            None => {
                let why = match object {
                    Some(object) => format!("{} has no field `{name}`.", object.name),
                    None => "Fields are named with their object, in `objects`.".to_owned(),
                };
                issues.push(FieldIssue { field: format!("{path}.fields.{place}.field"), issue: Issue::Rule(why) });
            }
        }
    }
    grant
}

/// One of the constants that the schema lets in.
fn read<T: DeserializeOwned>(json: &Json) -> Option<T> {
    serde_json::from_value(json.clone()).ok()
}
