//! For operators: clear errors at start, and correct health checks.

use std::fs;

use reqwest::Method;
use tests::{Answer, Client, TestApp};

#[tokio::test]
async fn health_readiness_and_measures_are_told() {
    let app = TestApp::start().await;
    let anyone = app.anonymous();
    for path in ["/healthz", "/readyz"] {
        assert_eq!(get(&anyone, path).await.status, 200, "{path}");
    }
    let measures = get(&anyone, "/metrics").await;
    assert!(measures.text.contains("# TYPE clientele_"), "{}", measures.text);
    let nowhere = get(&anyone, "/nowhere").await;
    assert_eq!((nowhere.status, nowhere.code().as_str()), (404, "NOT_FOUND"));
}

#[tokio::test]
async fn commands_refuse_what_makes_no_sense() {
    let app = TestApp::start().await;
    app.tenant("acme");
    let owner = ["--slug", "globex", "--name", "Globex", "--owner-email", "ann@example.com"];
    let weak =
        app.program().with("CLIENTELE_OWNER_PASSWORD", "short").run([&["tenant", "create"][..], &owner[..]].concat());
    assert!(weak.code == Some(65) && weak.stderr.contains("characters is 10"), "{weak:?}");
    let nameless = app.cli(&["api-key", "create", "--tenant", "acme", "--name", " ", "--role", "admin"]);
    assert!(nameless.code == Some(65) && nameless.stderr.contains("name"), "{nameless:?}");
    for count in ["0", "99999999999"] {
        let ran = app.cli(&["create-test-customers", "--tenant", "acme", "--count", count]);
        assert!(ran.code == Some(2) && ran.stderr.contains("10000000"), "{ran:?}");
    }
}

#[tokio::test]
async fn a_bad_configuration_is_refused_with_the_key() {
    let app = TestApp::start().await;
    for (key, value, word) in [
        ("CLIENTELE_LISTEN", "everywhere", "listen"),
        ("CLIENTELE_WORKERS", "many", "workers"),
        ("CLIENTELE_DATABASE_URL", "mysql://x", "database_url"),
        ("CLIENTELE_LISTNE", "127.0.0.1:1", "listne"),
        ("CLIENTELE_MASTER_KEY", "abc", "master"),
    ] {
        let ran = app.program().with(key, value).run(["serve"]);
        assert!(ran.code.is_some_and(|code| code != 0), "{key}: {ran:?}");
        assert!(ran.stderr.to_lowercase().contains(word), "{key}: {}", ran.stderr);
        assert_eq!(app.program().with(key, value).run(["config", "check"]).code, ran.code, "{key} is checked alike");
    }
}

#[tokio::test]
async fn a_checked_configuration_shows_no_secret() {
    let app = TestApp::start().await;
    let key = "5".repeat(64);
    for url in ["postgres://ann:s3cret@db.example/crm", "postgres://ann@db.example/crm?sslmode=require&password=s3cret"]
    {
        let program = app.program().with("CLIENTELE_DATABASE_URL", url).with("CLIENTELE_MASTER_KEY", &key);
        let ran = program.run(["config", "check"]);
        let reported = ran.printed();
        assert!(reported.contains("ann") && reported.contains("db.example/crm"), "{reported}");
        assert!(!reported.contains("s3cret") && !reported.contains(&key), "{reported}");
    }
}

#[tokio::test]
async fn another_master_key_refuses_to_start_and_says_why() {
    let mut app = TestApp::spawn().await;
    app.tenant("acme");
    app.server().kill();
    let ran = app.program().with("CLIENTELE_MASTER_KEY", &"7".repeat(64)).run(["serve"]);
    assert!(ran.code.is_some_and(|code| code != 0), "{ran:?}");
    assert!(ran.stderr.to_lowercase().contains("master key"), "{}", ran.stderr);
    app.server().launch().await;
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_named() {
    let app = TestApp::start().await;
    let ran = app.program().with("CLIENTELE_DATABASE_URL", "postgres://ann:s3cret@127.0.0.1:1/crm").run(["serve"]);
    assert_eq!(ran.code, Some(75), "{ran:?}");
    assert!(ran.stderr.contains("crm at 127.0.0.1:1") && !ran.stderr.contains("s3cret"), "{}", ran.stderr);
}

#[cfg(unix)]
#[tokio::test]
async fn the_master_key_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let app = TestApp::start().await;
    let mode = fs::metadata(app.data().join("master.key")).expect("a key file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn an_address_that_is_taken_is_named_and_nothing_else_is_said() {
    let mut app = TestApp::spawn().await;
    let taken = app.server().address().to_string();
    let ran = app.program().with("CLIENTELE_LISTEN", &taken).run(["serve"]);
    assert_eq!(ran.code, Some(65), "{ran:?}");
    assert!(ran.stderr.contains(&taken) && ran.stderr.contains("--listen"), "{}", ran.stderr);
    assert!(!ran.stderr.contains("WARN"), "{}", ran.stderr);
}

async fn get(client: &Client, path: &str) -> Answer {
    Answer::of(client.request(Method::GET, path)).await
}
