//! Files of customers, imported into a real tenant space.

use std::{
    collections::HashSet,
    path::PathBuf,
    time::{Duration, Instant, SystemTime},
};

use bytes::Bytes;
use entities::{
    ids::{RunId, WorkId},
    tenant::work,
};
use files::Files;
use futures::TryStreamExt;
use jobs::{Attempt, Handler, Next};
use records::{
    Ctx,
    catalog::{FieldKind, spec::FieldSpec},
    engine::{self, runs::RunStatus},
};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tenants::{Code, Error, work::Job};

use super::{ctx, rules::rows};
use crate::import::{
    self, ContinueImport, Duplicates, FormatChoice, Imports, Options, Report, SweepStaging, Sweeper, Upload,
};

const NORTHWIND: &str = include_str!("../../../tests/data/northwind-customers.csv");
const CHINOOK: &str = include_str!("../../../tests/data/chinook-customers.csv");

async fn begun(ctx: &Ctx, file: &[u8], options: &Options) -> tenants::Result<engine::runs::Run> {
    let mut upload = Upload::begin(ctx).await.unwrap();
    upload.write(file).await.unwrap();
    import::begin(ctx, upload, options, false).await
}

async fn imported(ctx: &Ctx, file: &[u8], options: &Options) -> Report {
    let run = begun(ctx, file, options).await.unwrap();
    import::carry_on(ctx, run.id, None).await.unwrap()
}

fn customers() -> Options {
    Options { object: "customer".to_owned(), ..Options::default() }
}

fn update_by(field: &str) -> Options {
    Options { on_duplicate: Duplicates::Update, match_on: vec![field.to_owned()], ..customers() }
}

/// The rows of an errors file, as cells.
async fn errors(ctx: &Ctx, report: &Report) -> Vec<Vec<String>> {
    let parts: Vec<Bytes> = import::errors(ctx, report.run_id).await.unwrap().try_collect().await.unwrap();
    let file = parts.concat();
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(file.as_slice());
    reader.records().map(|row| row.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Where a file of imports is on the disk.
fn stored(ctx: &Ctx, name: &str) -> PathBuf {
    ctx.db.about().files.local.as_ref().unwrap().join("imports").join(name)
}

fn source(run: RunId) -> String {
    format!("{run}/source")
}

#[tokio::test]
async fn northwind_loses_no_row_and_shifts_none() {
    let ctx = ctx().await;
    let report = imported(&ctx, NORTHWIND.as_bytes(), &customers()).await;
    let counts = report.counts;
    assert_eq!((counts.rows, counts.created, counts.failed), (91, 67, 24));
    assert_eq!((report.status, report.ignored.as_slice()), (RunStatus::Done, &["fax".to_owned()][..]));
    let bad: Vec<(usize, &str)> =
        NORTHWIND.lines().enumerate().filter(|(_, line)| line.matches(',').count() != 10).collect();
    let errors = errors(&ctx, &report).await;
    assert_eq!(errors[0][..5], ["line", "column", "value", "reason", "customerID"]);
    for (row, (index, line)) in errors[1..].iter().zip(&bad) {
        assert_eq!(row[0], (index + 1).to_string());
        assert_eq!(row[4..].join(","), *line);
        assert!(row[3].contains("12 columns"), "{}", row[3]);
    }
    let wanted: HashSet<&str> = NORTHWIND
        .lines()
        .skip(1)
        .filter(|line| line.matches(',').count() == 10)
        .map(|line| line.split(',').next().unwrap())
        .collect();
    let stored = rows(&ctx, "customer", &["externalId", "region", "kind", "name", "companyName", "country"]).await;
    assert_eq!(stored.iter().map(|(_, cells)| cells[0].as_str()).collect::<HashSet<_>>(), wanted);
    assert!(stored.iter().all(|(_, cells)| cells[1] != "NULL" && cells[2] == "company" && cells[3] == cells[4]));
    assert!(stored.iter().any(|(_, cells)| cells[1].is_empty()) && stored.iter().all(|(_, cells)| cells[5] != "NULL"));
}

#[tokio::test]
async fn an_errors_file_is_corrected_and_imported_again() {
    let ctx = ctx().await;
    let report = imported(&ctx, NORTHWIND.as_bytes(), &customers()).await;
    let mut corrected = csv::Writer::from_writer(Vec::new());
    for (index, mut row) in errors(&ctx, &report).await.into_iter().enumerate() {
        if index > 0 {
            let house = row.remove(9);
            row[8] = format!("{},{house}", row[8]);
        }
        corrected.write_record(&row).unwrap();
    }
    let again = imported(&ctx, &corrected.into_inner().unwrap(), &customers()).await;
    assert_eq!((again.counts.rows, again.counts.created, again.counts.failed), (24, 24, 0));
    assert_eq!(again.ignored, ["fax"]);
    assert!(!again.has_errors_file);
    let stored = rows(&ctx, "customer", &["externalId", "addressLine", "city"]).await;
    assert_eq!(stored.len(), 91);
    let blonp = stored.iter().find(|(_, cells)| cells[0] == "BLONP").unwrap();
    assert_eq!(blonp.1[1..], ["24, place Kl\u{e9}ber", "Strasbourg"]);
}

#[tokio::test]
async fn chinook_arrives_and_arrives_once() {
    let ctx = ctx().await;
    let report = imported(&ctx, CHINOOK.as_bytes(), &customers()).await;
    assert_eq!((report.counts.rows, report.counts.created, report.counts.failed), (59, 59, 0));
    assert_eq!(report.ignored, ["Fax", "SupportRepId"]);
    let odd: Vec<u64> = report.notices.iter().map(|notice| notice.line).collect();
    assert_eq!((report.counts.warnings, odd.as_slice()), (2, &[10, 58][..]), "{:?}", report.notices);
    let stored = rows(&ctx, "customer", &["email", "phone", "kind", "name"]).await;
    assert!(stored.iter().all(|(_, cells)| cells[2] == "person" && cells[3].contains(' ')));
    assert!(stored.iter().any(|(_, cells)| cells[1] == "+551239235555"));
    let points = rows(&ctx, "contactPoint", &["kind", "valid"]).await;
    assert_eq!(points.len(), 59 + 58);

    let again = imported(&ctx, CHINOOK.as_bytes(), &update_by("email")).await;
    assert_eq!((again.counts.created, again.counts.updated, again.counts.unchanged), (0, 0, 59));
    let changed = CHINOOK.replace("Montr\u{e9}al", "Qu\u{e9}bec");
    let again = imported(&ctx, changed.as_bytes(), &update_by("email")).await;
    assert_eq!((again.counts.created, again.counts.updated, again.counts.unchanged), (0, 1, 58));
    let skipped = imported(&ctx, CHINOOK.as_bytes(), &customers()).await;
    assert_eq!((skipped.counts.created, skipped.counts.skipped), (0, 59));
    assert_eq!(rows(&ctx, "contactPoint", &["kind"]).await.len(), 59 + 58);
}

#[tokio::test]
async fn a_dry_run_says_all_and_writes_nothing() {
    let ctx = ctx().await;
    let report = imported(&ctx, NORTHWIND.as_bytes(), &Options { dry_run: true, ..customers() }).await;
    assert_eq!((report.counts.rows, report.counts.created, report.counts.failed), (91, 67, 24));
    assert!(report.dry_run && report.has_errors_file);
    assert!(rows(&ctx, "customer", &["name"]).await.is_empty());
}

#[tokio::test]
async fn an_import_is_undone() {
    let ctx = ctx().await;
    let report = imported(&ctx, CHINOOK.as_bytes(), &customers()).await;
    engine::undo(&ctx, report.run_id).await.unwrap();
    assert!(rows(&ctx, "customer", &["name"]).await.is_empty());
    assert!(rows(&ctx, "contactPoint", &["name"]).await.is_empty());
    let again = imported(&ctx, CHINOOK.as_bytes(), &customers()).await;
    assert_eq!(again.counts.created, 59);
}

#[tokio::test]
async fn one_bad_row_fails_alone() {
    let ctx = ctx().await;
    let file = "Email,First name,Status,Birth date\na@x.org,A,active,1990-01-31\nnope,B,,\nc@x.org,C,asleep,31/02/1990\n\
                d@x.org,D,Inactif,31/01/1990\n,,,\n\n,,Active,\n";
    let report = imported(&ctx, file.as_bytes(), &customers()).await;
    assert_eq!((report.counts.rows, report.counts.created, report.counts.failed), (5, 2, 3));
    let reported: Vec<[String; 3]> =
        errors(&ctx, &report).await[1..].iter().map(|row| [row[0].clone(), row[1].clone(), row[2].clone()]).collect();
    let reported: Vec<[&str; 3]> =
        reported.iter().map(|row| [row[0].as_str(), row[1].as_str(), row[2].as_str()]).collect();
    assert_eq!(
        reported,
        [["3", "Email", "nope"], ["4", "Status; Birth date", "asleep; 31/02/1990"], ["8", "name", ""],]
    );
    let stored = rows(&ctx, "customer", &["status", "birthDate"]).await;
    assert_eq!(stored[1].1, ["inactive", "1990-01-31"]);
}

#[tokio::test]
async fn rows_link_to_records_and_to_rows_above() {
    let ctx = ctx().await;
    let file = "id,Company,First name,Organisation\n1,Acme,,\n2,,Zo\u{eb},1\n3,,Li,acme\n4,,No,Nobody\n";
    let options = Options { map: vec!["id=externalId".to_owned()], ..customers() };
    let report = imported(&ctx, file.as_bytes(), &options).await;
    assert_eq!((report.counts.created, report.counts.failed), (3, 1));
    assert_eq!(errors(&ctx, &report).await[1][..3], ["5", "Organisation", "Nobody"]);
    let notes = "Customer,Kind,Subject\n2,note,Hello\n3,Appel,Back\nAcme,visit,There\n";
    let report =
        imported(&ctx, notes.as_bytes(), &Options { object: "interaction".to_owned(), ..Options::default() }).await;
    assert_eq!((report.counts.created, report.counts.failed), (3, 0));
    let counts = rows(&ctx, "customer", &["interactionsCount"]).await;
    assert!(counts.iter().all(|(_, cells)| cells[0] == "1"));
}

#[tokio::test]
async fn what_is_no_table_is_refused() {
    let ctx = ctx().await;
    let email = Options { match_on: vec!["email".to_owned()], ..customers() };
    let unknown = Options { object: "spaceship".to_owned(), ..Options::default() };
    let klingon = FormatChoice { encoding: Some("klingon".to_owned()), ..FormatChoice::default() };
    let klingon = Options { format: klingon, ..customers() };
    for (file, options, code, words) in [
        (&b"\x89PNG\r\n\x1a\n\0\0"[..], &customers(), Code::BadFile, "PNG"),
        (b"", &customers(), Code::BadFile, "empty"),
        (b"colour,size\nred,9\n", &customers(), Code::BadRequest, "colour, size"),
        (b"First name\nZoe\n", &email, Code::BadRequest, "No column fills `email`"),
        (b"First name\nZoe\n", &unknown, Code::BadRequest, "spaceship"),
        (b"First name\nZoe\n", &klingon, Code::BadRequest, "klingon"),
    ] {
        let error = begun(&ctx, file, options).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.message().contains(words), "{}", error.message());
    }
    assert!(!stored(&ctx, "").exists(), "refused files are gone, and their folders");
    let headers = imported(&ctx, b"First name,Email\n", &customers()).await;
    assert_eq!((headers.status, headers.counts.rows), (RunStatus::Done, 0));
}

#[tokio::test]
async fn a_cancelled_import_stays_cancelled() {
    let ctx = ctx().await;
    let run = begun(&ctx, CHINOOK.as_bytes(), &customers()).await.unwrap();
    let report = import::cancel(&ctx, run.id).await.unwrap();
    assert_eq!(report.status, RunStatus::Cancelled);
    let report = import::carry_on(&ctx, run.id, None).await.unwrap();
    assert_eq!((report.status, report.counts.rows), (RunStatus::Cancelled, 0));
}

#[tokio::test]
async fn the_demo_is_filled_once() {
    let ctx = ctx().await;
    let reports = crate::demo::fill(&ctx).await.unwrap();
    let created: Vec<u64> = reports.iter().map(|report| report.counts.created).collect();
    assert_eq!(created, [67, 59]);
    let reported = rows(&ctx, "interaction", &["name"]).await.len();
    assert!(reported > 12);
    crate::demo::fill(&ctx).await.unwrap();
    assert_eq!(rows(&ctx, "interaction", &["name"]).await.len(), reported);
    assert_eq!(rows(&ctx, "customer", &["name"]).await.len(), 126);
}

#[tokio::test]
async fn test_customers_are_made_once_and_taken_back() {
    let ctx = ctx().await;
    let made = crate::customers::create_test_customers(&ctx, 1_200, 1).await.unwrap();
    assert_eq!((made.created, made.skipped), (1_200, 0));
    let more = crate::customers::create_test_customers(&ctx, 1_300, 1).await.unwrap();
    assert_eq!((more.created, more.skipped), (100, 1_200));
    let undo = engine::undo(&ctx, made.run_id.unwrap()).await.unwrap();
    engine::runs::to_the_end(&ctx, undo.run).await.unwrap();
    assert_eq!(rows(&ctx, "customer", &["name"]).await.len(), 100);
}

/// A file of many rows, every hundredth of them bad.
fn long(rows: usize) -> String {
    let row = |n: usize| {
        let email = if n.is_multiple_of(100) { "nobody".to_owned() } else { format!("p{n}@x.org") };
        format!("{n},\"First\n{n}\",{email}\n")
    };
    format!("id,First name,Email\n{}", (1..=rows).map(row).collect::<String>())
}

#[tokio::test]
async fn another_process_carries_on_where_one_stopped() {
    let ctx = ctx().await;
    let file = long(2_500);
    let run = begun(&ctx, file.as_bytes(), &customers()).await.unwrap().id;
    let first = import::carry_on(&ctx, run, Some(Instant::now())).await.unwrap();
    assert_eq!(first.status, RunStatus::Running);
    assert!(first.counts.rows > 0 && first.counts.rows < 2_500);
    assert!(first.has_errors_file);
    // what a killed process wrote after its last commit does not count
    let lost = format!("imports/{run}/errors/{}", uuid::Uuid::now_v7());
    Files::of(&ctx.db).put(&lost, b"9999,a row\n").await.unwrap();
    // the catalog may have changed meanwhile
    records::catalog::create_field(&ctx, "customer", FieldSpec::new("loyaltyTier", FieldKind::Text)).await.unwrap();
    let report = import::carry_on(&ctx, run, None).await.unwrap();
    assert_eq!((report.counts.rows, report.counts.created, report.counts.failed), (2_500, 2_475, 25));
    let lines: Vec<String> = errors(&ctx, &report).await[1..].iter().map(|row| row[0].clone()).collect();
    let wanted: Vec<String> = (1..=25).map(|n| (n * 200).to_string()).collect();
    assert_eq!(lines, wanted);
    let ctx = ctx.refreshed().await.unwrap();
    let ids: HashSet<String> =
        rows(&ctx, "customer", &["externalId"]).await.into_iter().map(|(_, cells)| cells[0].clone()).collect();
    assert_eq!(ids.len(), 2_475);
    assert!(!stored(&ctx, &source(run)).exists(), "the file is gone");
}

#[tokio::test]
async fn workers_carry_imports_on() {
    let ctx = ctx().await;
    let run = begun(&ctx, CHINOOK.as_bytes(), &customers()).await.unwrap().id;
    let imports = Imports::new(ctx.rules.clone(), ctx.caller.clock.clone());
    let attempt = Attempt { id: WorkId::new(), db: ctx.db.clone(), by_hand: false };
    while imports.run(ContinueImport { run }, &attempt).await.unwrap() == Next::Continue {}
    let report = import::report(&ctx, run).await.unwrap();
    assert_eq!((report.status, report.counts.created), (RunStatus::Done, 59));
    assert_eq!(imports.run(ContinueImport { run }, &attempt).await.unwrap(), Next::Done, "again is harmless");
    let mine = engine::runs::claim(&ctx, run).await.unwrap();
    assert!(mine.is_none());
}

#[tokio::test]
async fn an_import_that_was_given_up_is_tried_again_days_later() {
    let ctx = ctx().await;
    let run = begun(&ctx, CHINOOK.as_bytes(), &customers()).await.unwrap().id;
    let imports = Imports::new(ctx.rules.clone(), ctx.caller.clock.clone());
    let attempt = Attempt { id: WorkId::new(), db: ctx.db.clone(), by_hand: true };
    imports.given_up(ContinueImport { run }, &attempt, &Error::of(Code::Unavailable)).await.unwrap();
    let report = import::report(&ctx, run).await.unwrap();
    assert!(report.status == RunStatus::Failed && report.error.unwrap().contains("given up"));
    ctx.caller.clock.advance(3 * 24 * 3_600_000_000);
    sweep(&ctx).await;
    while imports.run(ContinueImport { run }, &attempt).await.unwrap() == Next::Continue {}
    let report = import::report(&ctx, run).await.unwrap();
    assert_eq!((report.status, report.error, report.counts.created), (RunStatus::Done, None, 59));
}

/// Leaves a file of this age among those of imports.
fn leave(ctx: &Ctx, name: &str, age: Duration) -> PathBuf {
    let path = stored(ctx, name);
    let now = SystemTime::UNIX_EPOCH + Duration::from_micros(ctx.caller.clock.micros() as u64);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::File::create(&path).unwrap().set_modified(now - age).unwrap();
    path
}

/// Runs the queued sweep as a worker does: its item is removed when it is done, or comes again.
async fn sweep(ctx: &Ctx) -> Next {
    let attempt = Attempt { id: WorkId::new(), db: ctx.db.clone(), by_hand: false };
    let sweeper = Sweeper::new(ctx.rules.clone(), ctx.caller.clock.clone());
    let queued = work::Column::Queue.eq(SweepStaging::QUEUE.name);
    let next = sweeper.run(SweepStaging {}, &attempt).await.unwrap();
    match &next {
        Next::At(due) => {
            let again = work::Entity::update_many().col_expr(work::Column::Due, (*due).into());
            again.filter(queued).exec(&ctx.db).await.unwrap();
        }
        _ => {
            work::Entity::delete_many().filter(queued).exec(&ctx.db).await.unwrap();
        }
    }
    next
}

/// When the next sweep is due, in hours from now.
async fn next_sweep(ctx: &Ctx) -> Option<i64> {
    let waiting =
        work::Entity::find().filter(work::Column::Queue.eq(SweepStaging::QUEUE.name)).all(&ctx.db).await.unwrap();
    assert!(waiting.len() < 2, "one is enough");
    waiting.first().map(|item| (item.due - ctx.caller.clock.micros()) / 3_600_000_000)
}

#[tokio::test]
async fn what_imports_leave_behind_is_swept() {
    const HOUR: Duration = Duration::from_secs(3_600);
    const DAY: i64 = 24 * 3_600 * 1_000_000;
    let ctx = ctx().await;
    let refused = imported(&ctx, b"First name,Email\nAda,nobody\n", &customers()).await;
    assert_eq!(next_sweep(&ctx).await, Some(24), "every upload asks for a sweep");
    let waiting = begun(&ctx, CHINOOK.as_bytes(), &customers()).await.unwrap().id;
    let (old, young) = (source(RunId::new()), source(RunId::new()));
    let unfinished = leave(&ctx, &format!("{old}#1"), HOUR * 25);
    let (old, young) = (leave(&ctx, &old, HOUR * 25), leave(&ctx, &young, HOUR * 23));
    let over = leave(&ctx, &source(refused.run_id), HOUR);
    let strange = leave(&ctx, "README", HOUR * 1000);
    sweep(&ctx).await;
    let there = |paths: &[&PathBuf]| paths.iter().map(|path| path.exists()).collect::<Vec<_>>();
    // the run of a young one may be about to be committed
    assert_eq!(there(&[&old, &unfinished, &over, &young, &strange]), [false, false, false, true, true]);
    let errors = stored(&ctx, &format!("{}/errors", refused.run_id));
    import::carry_on(&ctx, waiting, None).await.unwrap();

    for days in [29, 1] {
        ctx.caller.clock.advance(days * DAY);
        sweep(&ctx).await;
        assert!(errors.exists(), "there is time to correct it");
        assert_eq!(next_sweep(&ctx).await, Some(24), "and another look for it");
    }
    ctx.caller.clock.advance(DAY);
    sweep(&ctx).await;
    assert!(!errors.exists());
    let report = import::report(&ctx, refused.run_id).await.unwrap();
    assert_eq!((report.counts.failed, report.has_errors_file), (1, false), "what became of the rows is still known");
    let gone = import::errors(&ctx, refused.run_id).await.err().unwrap();
    assert_eq!(gone.code(), Code::NotFound);
    assert!(gone.message().contains("was deleted"), "{}", gone.message());
}

#[tokio::test]
async fn an_empty_folder_is_not_swept_again() {
    let ctx = ctx().await;
    imported(&ctx, CHINOOK.as_bytes(), &customers()).await;
    work::Entity::delete_many().filter(work::Column::Queue.eq(SweepStaging::QUEUE.name)).exec(&ctx.db).await.unwrap();
    assert_eq!(sweep(&ctx).await, Next::Done);
    let left = leave(&ctx, &source(RunId::new()), Duration::ZERO);
    let tomorrow = ctx.caller.clock.micros() + 24 * 3_600_000_000;
    assert_eq!((sweep(&ctx).await, left.exists()), (Next::At(tomorrow), true));
}
