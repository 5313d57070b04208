//! Files are stored where all nodes reach them: any node does any import and serves its errors file.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use tests::{Answer, Bucket, Client, Fault, Proxy, TestApp, until};

/// One good row and one that is refused.
const CSV: &str = "firstName,email\nZenobia,zenobia@quartermaine.example\nBob,nobody at quartermaine\n";

fn lent(settings: &[(String, String)]) -> Vec<(&str, &str)> {
    settings.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect()
}

async fn uploaded(who: &Client, csv: &str) -> Answer {
    Answer::of(who.request(Method::POST, "/api/imports?object=customer").body(csv.to_owned())).await
}

async fn report(who: &Client, run: &str) -> Value {
    Answer::of(who.request(Method::GET, &format!("/api/imports/{run}"))).await.body
}

/// The report of an import that has ended.
async fn ended(who: &Client, answer: &Answer) -> Value {
    assert_eq!(answer.status, 202, "{}", answer.text);
    let run = answer.body["runId"].as_str().expect("a run");
    until(30, "the import ends", async || report(who, run).await["status"] == "DONE").await;
    report(who, run).await
}

async fn errors(who: &Client, report: &Value) -> Answer {
    Answer::of(who.request(Method::GET, report["errorsFile"].as_str().expect("an errors file"))).await
}

#[tokio::test]
async fn a_bucket_holds_what_waits_and_what_was_refused_and_no_clear_text() {
    let bucket = Bucket::start();
    let app = TestApp::start_with(&lent(&bucket.settings())).await;
    let tenant = app.tenant("acme");
    let people = &tenant.api_key;
    let done = ended(people, &uploaded(people, CSV).await).await;
    assert_eq!((&done["created"], &done["failed"]), (&json!(1), &json!(1)), "{done}");
    let listed = errors(people, &done).await.text;
    assert!(listed.starts_with("line,column,value,reason,firstName,email\n3,"), "{listed}");
    // the uploaded file goes after the import has ended
    let tidy = async || bucket.objects().iter().all(|(name, _)| !name.ends_with("/source"));
    until(10, "the uploaded file is deleted", tidy).await;
    let objects = bucket.objects();
    assert!(objects.len() == 1 && objects[0].0.contains("/files/imports/"), "{:?}", objects[0].0);
    assert!(objects[0].0.starts_with("crm/tenants/"), "{}", objects[0].0);
    assert!(!objects[0].1.windows(12).any(|part| part.eq_ignore_ascii_case(b"quartermaine")));
    // many batches of refused rows, over several pages of a list
    let many: String = (1..=12_001).map(|n| format!("P{n},nobody\n")).collect();
    let done = ended(people, &uploaded(people, &format!("firstName,email\n{many}")).await).await;
    let listed = errors(people, &done).await.text;
    let lines: Vec<usize> =
        listed.lines().skip(1).map(|line| line.split(',').next().unwrap().parse().unwrap()).collect();
    assert_eq!(lines, (2..=12_002).collect::<Vec<_>>());
    until(10, "the uploaded file is deleted", tidy).await;
    assert!(bucket.objects().len() > 6, "a part for each batch");

    let before = bucket.objects().len();
    let rows = "Zenobia,zenobia@quartermaine.example\n".repeat(150_000);
    let preview = people.request(Method::POST, "/api/imports/preview?object=customer");
    let shown = Answer::of(preview.body(format!("firstName,email\n{rows}"))).await;
    assert_eq!((shown.status, &shown.body["rows"][9]["line"]), (200, &json!(11)), "{}", shown.text);
    assert!(
        bucket.parts() > 1 && bucket.objects().len() == before,
        "large files are sent in parts, previews do not stay"
    );

    assert_eq!(app.cli(&["tenant", "destroy", "acme", "--yes"]).code, Some(0));
    assert!(bucket.objects().is_empty(), "files go with their organisation");
}

#[tokio::test]
async fn another_node_does_an_import_and_both_serve_its_errors() {
    let bucket = Bucket::start();
    let mut settings = bucket.settings();
    settings.push(("CLIENTELE_WORKERS".to_owned(), "0".to_owned()));
    let app = TestApp::spawn_with(&lent(&settings)).await;
    let tenant = app.tenant("acme");
    let answer = uploaded(&tenant.api_key, CSV).await;
    let run = answer.body["runId"].as_str().expect("a run");
    assert_eq!(report(&tenant.api_key, run).await["status"], "QUEUED", "nobody works on this node");
    let other = app.served(app.elsewhere().with("CLIENTELE_WORKERS", "2")).await;
    let there = tenant.api_key.at(&other);
    let done = ended(&there, &answer).await;
    assert_eq!((&done["created"], &done["failed"]), (&json!(1), &json!(1)), "{done}");
    let (here, there) = (errors(&tenant.api_key, &done).await, errors(&there, &done).await);
    assert_eq!((here.status, &here.text), (200, &there.text));
    assert!(here.text.contains("nobody at quartermaine"), "{}", here.text);
}

#[tokio::test]
async fn a_store_that_does_not_answer_is_unavailable_and_nothing_else() {
    let bucket = Bucket::start();
    let wire = Proxy::to(bucket.address().to_string()).await;
    let app = TestApp::start_with(&lent(&bucket.settings_at(wire.address()))).await;
    let tenant = app.tenant("acme");
    let people = &tenant.api_key;
    let done = ended(people, &uploaded(people, CSV).await).await;
    let refused = async |when: &str| {
        for answer in [uploaded(people, CSV).await, errors(people, &done).await] {
            assert_eq!((answer.status, answer.code().as_str()), (503, "UNAVAILABLE"), "{when}");
            assert!(answer.text.contains("file store"), "{}", answer.text);
        }
        assert_eq!(report(people, done["runId"].as_str().unwrap()).await["status"], "DONE", "the rest works");
    };
    wire.cut();
    refused("down").await;
    wire.mend();
    bucket.fault(Fault::Failing);
    refused("failing").await;
    bucket.fault(Fault::Slow(Duration::from_millis(200)));
    let again = ended(people, &uploaded(people, CSV).await).await;
    assert_eq!(errors(people, &again).await.status, 200, "slow is not down");
}

#[tokio::test]
async fn nodes_with_folders_of_their_own_do_not_start() {
    if tests::postgres().is_none() {
        return; // On SQLite there is one node.
    }
    let app = TestApp::spawn().await;
    let tenant = app.tenant("acme");
    let other = app.elsewhere();
    for command in [&["serve"][..], &["import", "--tenant", "acme", "--file", "none.csv"]] {
        let ran = other.run(command);
        assert_eq!(ran.code, Some(65), "{ran:?}");
        assert!(ran.stderr.contains("data folder of another machine") && ran.stderr.contains("s3://"), "{ran:?}");
    }
    assert_eq!(app.cli(&["tenant", "list"]).code, Some(0), "the first node goes on");
    let bucket = Bucket::start();
    let with_bucket =
        lent(&bucket.settings()).iter().fold(other.clone(), |program, (name, value)| program.with(name, value));
    let ran = with_bucket.run(["tenant", "list"]);
    assert!(ran.code == Some(65) && ran.stderr.contains("files adopt"), "{ran:?}");
    // the operator has moved the files
    with_bucket.run(["files", "adopt"]).printed();
    assert_eq!(with_bucket.run(["tenant", "list"]).code, Some(0));
    let first = app.cli(&["tenant", "list"]);
    assert!(first.code == Some(65) && first.stderr.contains("s3://clientele-tests/crm"), "{first:?}");
    drop(tenant);
}

#[tokio::test]
async fn settings_of_a_bucket_are_checked() {
    let app = TestApp::start().await;
    for (settings, named) in [
        (vec![("FILES", "https://s3.example.org/bucket")], "s3://bucket/folder"),
        (vec![("FILES_REGION", "eu-west-3")], "need files"),
        (vec![("FILES", "s3://b"), ("FILES_ACCESS_KEY", "a")], "files_secret_key"),
        (vec![("FILES", "s3://b"), ("FILES_ENDPOINT", "s3.example.org")], "files_endpoint"),
    ] {
        let with =
            |program: tests::Program, (name, value): &(&str, &str)| program.with(&format!("CLIENTELE_{name}"), value);
        let ran = settings.iter().fold(app.program().clone(), with).run(["config", "check"]);
        assert!(ran.code == Some(65) && ran.stderr.contains(named), "{named}: {ran:?}");
    }
    let hidden = app.program().with("CLIENTELE_FILES", "s3://b").with("CLIENTELE_FILES_ACCESS_KEY", "a");
    let ran = hidden.with("CLIENTELE_FILES_SECRET_KEY", "a-secret-of-files").run(["config", "check"]);
    assert!(ran.code == Some(0) && !ran.stdout.contains("a-secret-of-files"), "{ran:?}");
}
