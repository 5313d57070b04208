//! The reference implementations check our GraphQL endpoints; see `tests/protocol`.

use std::process::Command;

use serde_json::json;
use tests::{Client, TestApp, workspace};

use crate::world;

#[tokio::test]
async fn graphql_over_http_passes_the_audits_of_graphql_http() {
    let app = TestApp::start().await;
    judged_by("audits.mjs", &app.tenant("acme").api_key);
}

#[tokio::test]
async fn graphql_over_websocket_passes_graphql_ws() {
    let app = TestApp::start().await;
    judged_by("ws.mjs", &app.tenant("acme").api_key);
}

#[tokio::test]
async fn execution_equals_graphql_js() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    world::vehicles(&tenant).await;
    let mut owners = Vec::new();
    for (index, name) in ["Amélie", "Bachir", "Chloé", "Đặng", "Élan"].into_iter().enumerate() {
        let tags: Vec<_> = ["vip", "new"].into_iter().take(index % 3).collect();
        let phone = (index % 2 == 0).then_some("0550 12 34 56");
        let organisation = owners.first().filter(|_| index > 2);
        let data = json!({ "firstName": name, "email": format!("{index}@example.com"), "phone": phone,
            "tags": tags, "organisation": organisation });
        owners.push(tenant.create("customer", data).await);
        for number in 0..index {
            let vehicle = json!({ "name": format!("V{index}{number}"), "price": format!("{number}.50"), "customer": owners[index] });
            tenant.create("vehicle", vehicle).await;
            tenant
                .create("interaction", json!({ "kind": "note", "subject": "Hello", "customer": owners[number] }))
                .await;
        }
    }
    judged_by("oracle.mjs", &tenant.api_key);
}

fn judged_by(program: &str, client: &Client) {
    let folder = workspace::file("tests/protocol");
    assert!(folder.join("node_modules").is_dir(), "`make protocol` installs the reference implementations");
    let mut node = Command::new("node");
    node.arg(program).current_dir(folder);
    node.env("GRAPHQL_URL", client.url("/graphql")).env("GRAPHQL_TOKEN", client.token());
    let ran = node.output().expect("node is installed");
    let reported = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
    assert!(ran.status.success(), "{program}:\n{reported}");
    println!("{reported}");
}
