//! The schema by introspection: all operations, and a call of each with an id in every place for one.

use serde_json::{Map, Value, json};
use tests::Client;

const INTROSPECTION: &str = "{ __schema { queryType { name } mutationType { name } types { kind name
    fields(includeDeprecated: true) { name args { name type { ...ref } } type { ...ref } }
    inputFields { name type { ...ref } } enumValues { name } } } }
    fragment ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } }";

const SHALLOW: &str = "{ __schema { queryType { name } mutationType { name } types { kind name
    fields { name args { name type { ...ref } } type { kind name ofType { ...ref } } }
    inputFields { name type { ...ref } } enumValues { name } } } }
    fragment ref on __Type { kind name ofType { kind name ofType { kind name } } }";

/// How deep inputs in inputs are filled in.
const DEPTH: usize = 3;

pub struct Schema(Value);

impl Schema {
    /// The schema of an endpoint.
    pub async fn of(client: &Client, path: &str) -> Self {
        Self(client.graphql_at(path, INTROSPECTION, json!({})).await.data()["__schema"].clone())
    }

    /// The schema of an endpoint that does not answer deep queries: lists of lists are not included.
    pub async fn shallow(client: &Client, path: &str) -> Self {
        Self(client.graphql_at(path, SHALLOW, json!({})).await.data()["__schema"].clone())
    }

    /// The fields of Query and Mutation.
    pub fn roots(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        let fields = |root: &str| self.named(&self.0[root]["name"])["fields"].as_array().into_iter().flatten();
        let queries = fields("queryType").map(|field| ("query", field));
        queries.chain(fields("mutationType").map(|field| ("mutation", field)))
    }

    /// Whether an id goes into the field, at the top or inside an input.
    pub fn takes_ids(&self, field: &Value) -> bool {
        list(&field["args"]).any(|argument| self.holds_id(&argument["type"], DEPTH))
    }

    /// A document that calls the field with an id in every possible place; `None` if an argument cannot be made up.
    pub fn call(&self, kind: &str, field: &Value, id: &str) -> Option<(String, Value)> {
        let name = field["name"].as_str()?;
        let mut variables = Map::new();
        let (mut declared, mut passed) = (Vec::new(), Vec::new());
        for argument in list(&field["args"]) {
            let ty = &argument["type"];
            if !(required(ty) || self.holds_id(ty, DEPTH)) {
                continue;
            }
            let argument = argument["name"].as_str()?;
            variables.insert(argument.to_owned(), self.named_sample(argument, ty, id, DEPTH)?);
            declared.push(format!("${argument}: {}", written(ty)));
            passed.push(format!("{argument}: ${argument}"));
        }
        let selection = self.selection(&field["type"]);
        let given = |list: Vec<String>| if list.is_empty() { String::new() } else { format!("({})", list.join(", ")) };
        let query = format!("{kind} {} {{ {name}{} {selection} }}", given(declared), given(passed));
        Some((query, Value::Object(variables)))
    }

    fn selection(&self, ty: &Value) -> String {
        let named = self.named(&innermost(ty)["name"]);
        let fields: Vec<&str> = list(&named["fields"]).filter_map(|field| field["name"].as_str()).collect();
        let reported = ["id", "name", "lastName", "subject", "value", "matched", "totalCount", "count"];
        let reported: Vec<_> = reported.into_iter().filter(|name| fields.contains(name)).collect();
        match (named["kind"].as_str(), reported.is_empty()) {
            (Some("OBJECT"), false) => format!("{{ __typename {} }}", reported.join(" ")),
            (Some("OBJECT"), true) if fields.contains(&"nodes") => "{ nodes { __typename } }".to_owned(),
            (Some("OBJECT"), true) => "{ __typename }".to_owned(),
            _ => String::new(),
        }
    }

    fn holds_id(&self, ty: &Value, depth: usize) -> bool {
        let inner = innermost(ty);
        match inner["kind"].as_str() {
            Some("SCALAR") => inner["name"] == "ID",
            Some("INPUT_OBJECT") if depth > 0 => {
                list(&self.named(&inner["name"])["inputFields"]).any(|field| self.holds_id(&field["type"], depth - 1))
            }
            _ => false,
        }
    }

    /// A value for an argument, of an existing object.
    fn named_sample(&self, name: &str, ty: &Value, id: &str, depth: usize) -> Option<Value> {
        let sample = self.sample(ty, id, depth)?;
        Some(if name == "object" && sample == "sample" { json!("customer") } else { sample })
    }

    fn sample(&self, ty: &Value, id: &str, depth: usize) -> Option<Value> {
        match ty["kind"].as_str()? {
            "NON_NULL" => self.sample(&ty["ofType"], id, depth),
            "LIST" => Some(json!([self.sample(&ty["ofType"], id, depth)?])),
            "ENUM" => self.named(&ty["name"])["enumValues"][0].get("name").cloned(),
            "INPUT_OBJECT" => self.sample_input(ty, id, depth),
            _ => Some(match ty["name"].as_str()? {
                "ID" => json!(id),
                "Int" => json!(1),
                "Float" => json!(1.5),
                "Boolean" => json!(true),
                "Int64" | "Decimal" => json!("1"),
                "Date" => json!("2024-01-31"),
                "DateTime" => json!("2024-01-31T00:00:00Z"),
                _ => json!("sample"),
            }),
        }
    }

    /// An input with what it requires, and an id wherever one fits directly.
    fn sample_input(&self, ty: &Value, id: &str, depth: usize) -> Option<Value> {
        let mut fields = Map::new();
        for field in list(&self.named(&ty["name"])["inputFields"]) {
            let takes_id = innermost(&field["type"])["name"] == "ID" || (depth > 1 && field["name"] == "id");
            if required(&field["type"]) || takes_id {
                let name = field["name"].as_str()?;
                fields.insert(name.to_owned(), self.named_sample(name, &field["type"], id, depth.checked_sub(1)?)?);
            }
        }
        Some(Value::Object(fields))
    }

    fn named(&self, name: &Value) -> &Value {
        list(&self.0["types"]).find(|ty| ty["name"] == *name).unwrap_or(&Value::Null)
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn required(ty: &Value) -> bool {
    ty["kind"] == "NON_NULL"
}

fn innermost(ty: &Value) -> &Value {
    if ty["ofType"].is_object() { innermost(&ty["ofType"]) } else { ty }
}

/// A type as documents write it: `[ID!]!`.
fn written(ty: &Value) -> String {
    match ty["kind"].as_str() {
        Some("NON_NULL") => written(&ty["ofType"]) + "!",
        Some("LIST") => format!("[{}]", written(&ty["ofType"])),
        _ => ty["name"].as_str().unwrap_or_default().to_owned(),
    }
}
