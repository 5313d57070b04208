//! Each schema is checked in twice. `schema.graphql` (of the standard catalog) and `account.graphql` are the ones that are
//! served, so that every change shows in a diff. `released.graphql` and `released-account.graphql` beside the protocol
//! tests are those of the last release: what clients rely on. They change with a release alone, so that nobody breaks
//! clients by writing the others anew; see `docs/api.md`.

use std::{
    fs,
    path::Path,
    process::{Command, Output},
};

use reqwest::Method;
use tests::{Answer, TestApp, workspace};

#[tokio::test]
async fn the_served_schema_is_as_checked_in_and_breaks_no_client() {
    let app = TestApp::start().await;
    let tenant = app.tenant("acme");
    let served = Answer::of(tenant.api_key.request(Method::GET, "/api/schema.graphql")).await;
    assert_eq!(served.status, 200, "{}", served.text);
    let new = app.scratch("schema.graphql");
    fs::write(&new, &served.text).expect("a file");

    let compared = compare(&workspace::file("tests/protocol/released.graphql"), &new);
    assert!(compared.status.success(), "clients break:\n{}", String::from_utf8_lossy(&compared.stderr));
    let kept = fs::read_to_string(workspace::file("schema.graphql")).expect("schema.graphql");
    assert!(
        kept == served.text,
        "schema.graphql is old; run `UPDATE_SCHEMA=1 cargo test -p api schema` and read the diff"
    );
}

#[tokio::test]
async fn the_schema_of_accounts_breaks_no_client() {
    let released = workspace::file("tests/protocol/released-account.graphql");
    let compared = compare(&released, &workspace::file("account.graphql"));
    assert!(compared.status.success(), "clients break:\n{}", String::from_utf8_lossy(&compared.stderr));
}

#[tokio::test]
async fn what_breaks_clients_is_refused_unless_it_was_deprecated() {
    let app = TestApp::start().await;
    let before = app.scratch("before.graphql");
    let old = r#"
        type Query { city(of: ID, at: Int @deprecated): String! tier: Tier @deprecated mood: Mood }
        enum Tier { GOLD }
        enum Mood { GLAD SAD @deprecated }"#;
    fs::write(&before, old).expect("a file");
    for (new, broken) in [
        (
            "type Query { city(of: ID, at: Int): String! tier: Tier mood: Mood more: Int } enum Tier { GOLD } enum Mood { GLAD SAD }",
            "",
        ),
        ("type Query { city(of: ID): String! mood: Mood } enum Mood { GLAD }", ""),
        ("type Query { city(of: ID): String! tier: Int mood: Mood } enum Mood { GLAD }", ""),
        ("type Query { mood: Mood } enum Mood { GLAD }", "Query.city"),
        ("type Query { city(of: ID): String mood: Mood } enum Mood { GLAD }", "Query.city"),
        ("type Query { city: String! mood: Mood } enum Mood { GLAD }", "of"),
        ("type Query { city(of: ID, new: Int!): String! mood: Mood } enum Mood { GLAD }", "new"),
        ("type Query { city(of: ID): String! mood: Mood } enum Mood { SAD }", "GLAD"),
    ] {
        let after = app.scratch("after.graphql");
        fs::write(&after, new).expect("a file");
        let compared = compare(&before, &after);
        let reported = String::from_utf8_lossy(&compared.stderr);
        assert_eq!(compared.status.success(), broken.is_empty(), "{new}\n{reported}");
        assert!(reported.contains(broken), "{new}\n{reported}");
    }
}

#[tokio::test]
async fn the_schema_is_for_callers_with_a_credential() {
    let app = TestApp::start().await;
    let answer = Answer::of(app.anonymous().request(Method::GET, "/api/schema.graphql")).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "UNAUTHENTICATED"));
}

fn compare(before: &Path, after: &Path) -> Output {
    let folder = workspace::file("tests/protocol");
    assert!(folder.join("node_modules").is_dir(), "`make protocol` installs the reference implementations");
    let mut node = Command::new("node");
    node.arg("breaking.mjs").arg(before).arg(after).current_dir(folder);
    node.output().expect("node is installed")
}
