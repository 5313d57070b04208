//! What actors do with records, beside reading and creating them.

use serde_json::{Value, json};

use crate::{Answer, Client, until};

impl Client {
    /// Changes a record of an object (`customer`).
    pub async fn update(&self, object: &str, id: &str, data: Value) -> Answer {
        let name = type_name(object);
        let query = format!(
            "mutation ($id: ID!, $data: {name}UpdateInput!) {{ update{name}(id: $id, data: $data) {{ id version }} }}"
        );
        self.graphql(&query, json!({ "id": id, "data": data })).await
    }

    /// Archives (`delete`), restores (`restore`) or destroys (`destroy`) a record.
    pub async fn act(&self, verb: &str, object: &str, id: &str) -> Answer {
        let selection = if verb == "destroy" { "" } else { "{ id }" };
        let query = format!("mutation ($id: ID!) {{ {verb}{}(id: $id) {selection} }}", type_name(object));
        self.graphql(&query, json!({ "id": id })).await
    }

    /// What the feed tells after a number, in its order, and the number to go on from.
    pub async fn changes(&self, after: i64) -> (Vec<Value>, i64) {
        let query = "query ($after: Int64!) { changes(after: $after, first: 200) {
            nodes { seq object record kind fields } lastSeq hasMore } }";
        let (mut all, mut after) = (Vec::new(), after);
        loop {
            let page = self.data(query, json!({ "after": after })).await["changes"].clone();
            all.extend(page["nodes"].as_array().expect("nodes").iter().cloned());
            let last = &page["lastSeq"];
            after = last.as_i64().or_else(|| last.as_str()?.parse().ok()).expect("an integer");
            if page["hasMore"] != true {
                return (all, after);
            }
        }
    }

    /// A run, once it has ended.
    pub async fn ended(&self, run: &Value) -> Value {
        let query = "query ($id: ID!) { run(id: $id) { status matched changed failed error } }";
        let look = async || self.data(query, json!({ "id": run })).await["run"].clone();
        let over = async || !["QUEUED", "RUNNING"].contains(&look().await["status"].as_str().expect("a run"));
        until(120, "the run ends", over).await;
        look().await
    }

    /// Takes back a run, and answers how that ended.
    pub async fn undo(&self, run: &Value) -> Value {
        let query = "mutation ($id: ID!) { undoRun(id: $id) { runId } }";
        let undoing = self.data(query, json!({ "id": run })).await["undoRun"]["runId"].clone();
        self.ended(&undoing).await
    }

    /// Imports a table, updating the records that it names, and answers the run and how it ended.
    pub async fn import(&self, object: &str, csv: &str) -> (Value, Value) {
        let query = "mutation ($input: ImportInput!) { startImport(input: $input) { id } }";
        let input = json!({ "object": object, "csv": csv, "onDuplicate": "UPDATE" });
        let run = self.data(query, json!({ "input": input })).await["startImport"]["id"].clone();
        let ended = self.ended(&run).await;
        (run, ended)
    }
}

fn type_name(object: &str) -> String {
    object[..1].to_uppercase() + &object[1..]
}
