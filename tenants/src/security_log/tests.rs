//! The log as its readers see it.

use super::*;
use crate::testing;

fn visit(address: &str) -> ClientInfo {
    ClientInfo::new(address.parse().unwrap(), "curl")
}

async fn all(db: &crate::TenantDb) -> Vec<Line> {
    page(db, &LogQuery { first: 100, ..LogQuery::default() }).await.unwrap().lines
}

#[tokio::test]
async fn the_newest_line_is_first_and_pages_follow_each_other() {
    let db = testing::space().await;
    for name in ["a", "b", "c"] {
        let event = Event::new(Kind::KeyCreated).by(Actor::System).from(&visit("192.0.2.7")).with("name", name);
        note(&db, event, testing::NOW).await.unwrap();
    }
    let first = page(&db, &LogQuery { first: 2, ..LogQuery::default() }).await.unwrap();
    let names = |page: &Page| page.lines.iter().map(|line| line.detail["name"].to_string()).collect::<String>();
    assert_eq!((names(&first).as_str(), first.more), ("\"c\"\"b\"", true));
    let after = Some(first.lines[1].id);
    let second = page(&db, &LogQuery { first: 2, after, ..LogQuery::default() }).await.unwrap();
    assert_eq!((names(&second).as_str(), second.more), ("\"a\"", false));
    assert_eq!(second.lines[0].address.as_deref(), Some("192.0.2.7"));
    let none = LogQuery { first: 9, kinds: vec![Kind::SignedIn], ..LogQuery::default() };
    assert!(page(&db, &none).await.unwrap().lines.is_empty());
}

#[tokio::test]
async fn repetitions_are_one_line_for_each_address_and_minute() {
    let db = testing::space().await;
    for n in 0..50 {
        let address = if n % 2 == 0 { "192.0.2.7" } else { "192.0.2.8" };
        note(&db, Event::new(Kind::SignInFailed).from(&visit(address)), testing::NOW + n).await.unwrap();
    }
    note(&db, Event::new(Kind::SignInFailed).from(&visit("192.0.2.8")), testing::NOW + DEDUPE_WINDOW).await.unwrap();
    let times: Vec<i64> = all(&db).await.iter().map(|line| line.times).collect();
    assert_eq!(times, [1, 25, 25]);
}

#[tokio::test]
async fn old_lines_go_when_the_organisation_says() {
    let db = testing::space().await;
    let day = 86_400_000_000;
    note(&db, Event::new(Kind::SignedIn), testing::NOW).await.unwrap();
    note(&db, Event::new(Kind::SignedOut), testing::NOW + 20 * day).await.unwrap();
    sweep(&db, testing::NOW + 30 * day).await.unwrap();
    assert_eq!(all(&db).await.len(), 2, "kept for a year unless said otherwise");
    assert!(set_keep_days(&db, 3, testing::NOW).await.is_err());
    set_keep_days(&db, 14, testing::NOW).await.unwrap();
    sweep(&db, testing::NOW + 30 * day).await.unwrap();
    let left = all(&db).await;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].kind, "SIGNED_OUT");
}
