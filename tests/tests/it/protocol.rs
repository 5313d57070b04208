//! The reference implementations judge our GraphQL doors; see `tests/protocol`.

use std::process::Command;

use tests::{Client, TestApp, workspace};

#[tokio::test]
async fn graphql_over_http_passes_the_audits_of_graphql_http() {
    let app = TestApp::start().await;
    judged_by("audits.mjs", &app.tenant("acme").api_key);
}

fn judged_by(program: &str, client: &Client) {
    let folder = workspace::file("tests/protocol");
    assert!(folder.join("node_modules").is_dir(), "`make protocol` installs the reference implementations");
    let mut node = Command::new("node");
    node.arg(program).current_dir(folder);
    node.env("GRAPHQL_URL", client.url("/graphql")).env("GRAPHQL_TOKEN", client.token());
    let ran = node.output().expect("node is installed");
    let told = [ran.stdout, ran.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).join("\n");
    assert!(ran.status.success(), "{program}:\n{told}");
}
