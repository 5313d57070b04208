//! The schema of the standard catalog is checked in, as `schema.graphql`. It grows; what clients rely on does not go away.
//! `UPDATE_DOCS=1` writes an addition down; a breaking change needs the old file removed by hand, and a good reason.

use std::{env, fs, process::Command};

use reqwest::Method;
use tests::{Answer, TestApp, workspace};

#[tokio::test]
async fn the_standard_schema_is_as_checked_in() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let served = Answer::of(tenant.api_key.request(Method::GET, "/api/schema.graphql")).await;
    assert_eq!(served.status, 200, "{}", served.text);
    let (kept, new) = (workspace::file("schema.graphql"), app.scratch("schema.graphql"));
    fs::write(&new, &served.text).expect("a file");

    if kept.is_file() {
        let mut node = Command::new("node");
        node.arg("breaking.mjs").arg(&kept).arg(&new).current_dir(workspace::file("tests/protocol"));
        let compared = node.output().expect("node is installed");
        assert!(compared.status.success(), "clients break:\n{}", String::from_utf8_lossy(&compared.stderr));
    }
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::copy(&new, &kept).expect("schema.graphql is written");
    }
    let same = fs::read_to_string(&kept).unwrap_or_default() == served.text;
    assert!(same, "schema.graphql is old; run `UPDATE_DOCS=1 cargo test -p tests --test it sdl`");
}

#[tokio::test]
async fn the_schema_is_for_callers_with_a_credential() {
    let app = TestApp::start().await;
    let answer = Answer::of(app.anonymous().request(Method::GET, "/api/schema.graphql")).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"));
}
