//! Jobs that recur: in their time zone, made up for once, by one process.

use tenants::work::Queue;

use super::*;
use crate::schedules::{self, Recurrence};

const HOUR: i64 = 3_600_000_000;
const DAY: i64 = 24 * HOUR;

fn at(text: &str) -> i64 {
    chrono::DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
}

fn recurrence(cron: &str, time_zone: &str) -> Recurrence {
    Recurrence { cron: cron.to_owned(), time_zone: time_zone.to_owned() }
}

#[test]
fn the_time_zone_decides() {
    let daily = recurrence("0 8 * * *", "America/New_York");
    assert_eq!(daily.next(at("2026-01-10T00:00:00Z")).unwrap(), at("2026-01-10T13:00:00Z"));
    assert_eq!(daily.next(at("2026-07-10T00:00:00Z")).unwrap(), at("2026-07-10T12:00:00Z"), "summer time");
    let working_days = recurrence("30 17 * * MON-FRI", "Africa/Algiers");
    assert_eq!(working_days.next(at("2026-11-27T18:00:00Z")).unwrap(), at("2026-11-30T16:30:00Z"), "Monday");
}

#[test]
fn an_hour_that_is_left_out_or_comes_twice_is_one_occurrence() {
    let night = recurrence("30 2 * * *", "Europe/Paris");
    // 2026-03-29: 02:00 becomes 03:00
    let spring = night.next(at("2026-03-28T12:00:00Z")).unwrap();
    assert!(spring > at("2026-03-28T12:00:00Z") && spring < at("2026-03-30T00:00:00Z"));
    // 2026-10-25: 03:00 becomes 02:00
    let first = night.next(at("2026-10-24T12:00:00Z")).unwrap();
    let second = night.next(first).unwrap();
    assert!(second - first > 20 * HOUR, "not twice in a night");
}

#[test]
fn what_is_no_recurrence_is_refused_by_its_field() {
    for (cron, zone, field) in [
        ("0 8 * *", "UTC", "cron"),
        ("* * * * * *", "UTC", "cron"),
        ("61 8 * * *", "UTC", "cron"),
        ("0 0 31 2 *", "UTC", "cron"),
        ("0 8 * * *", "Mars/Olympus", "timeZone"),
    ] {
        let refused = recurrence(cron, zone).next(testing::NOW).unwrap_err();
        assert_eq!(refused.code(), Code::ValidationFailed, "{cron} {zone}");
        assert_eq!(refused.fields()[0].field, field, "{cron} {zone}");
    }
}

async fn set<J: Note>(registry: &Registry, db: &TenantDb, cron: &str, text: &str) {
    let tx = db.begin_write().await.unwrap();
    let now = registry.clock().micros();
    schedules::set(db, &tx, "report", &recurrence(cron, "UTC"), &J::of(text, None), now).await.unwrap();
    tx.commit().await.unwrap();
}

job!(Daily, Queue::short("daily"));

#[tokio::test]
async fn what_was_missed_is_made_up_for_once() {
    let (registry, spaces) = tenants(1).await;
    set::<Daily>(&registry, &spaces[0], "0 8 * * *", "report").await;
    let scribe = Scribe::<Daily>::new([]);
    let (one, other) = (worker(&registry, &scribe), worker(&registry, &scribe));
    work_off(&one).await;
    assert!(scribe.seen().is_empty(), "it is past eight");
    registry.clock().advance(DAY);
    tokio::join!(work_off(&one), work_off(&other));
    assert_eq!(scribe.seen().len(), 1, "by one of them");
    registry.clock().advance(5 * DAY + HOUR);
    tokio::join!(work_off(&one), work_off(&other));
    assert_eq!(scribe.seen().len(), 2, "five were missed");
    let next = schedules::list::<Daily>(&spaces[0]).await.unwrap().remove(0).due;
    let now = registry.clock().micros();
    assert!(next > now && next <= now + DAY);
}

job!(Changing, Queue::short("changing"));

#[tokio::test]
async fn a_schedule_is_changed_and_ended() {
    let (registry, spaces) = tenants(1).await;
    let db = &spaces[0];
    set::<Changing>(&registry, db, "0 8 * * *", "morning").await;
    let before = schedules::list::<Changing>(db).await.unwrap();
    registry.clock().advance(HOUR);
    set::<Changing>(&registry, db, "0 8 * * *", "morning").await;
    assert_eq!(schedules::list::<Changing>(db).await.unwrap(), before, "the same stays the same");
    set::<Changing>(&registry, db, "*/10 * * * *", "often").await;
    let after = schedules::list::<Changing>(db).await.unwrap();
    assert_eq!((after.len(), after[0].recurrence.cron.as_str()), (1, "*/10 * * * *"));
    registry.clock().advance(600_000_000);
    let scribe = Scribe::<Changing>::new([]);
    let worker = worker(&registry, &scribe);
    work_off(&worker).await;
    assert_eq!(scribe.seen(), ["often"]);
    let tx = db.begin_write().await.unwrap();
    schedules::remove::<Changing>(&tx, "report").await.unwrap();
    tx.commit().await.unwrap();
    registry.clock().advance(DAY);
    work_off(&worker).await;
    assert_eq!(scribe.seen().len(), 1);
    assert!(schedules::list::<Changing>(db).await.unwrap().is_empty());
}

job!(Broken, Queue::short("broken"));

#[tokio::test]
async fn a_failure_does_not_end_a_schedule() {
    let (registry, spaces) = tenants(1).await;
    set::<Broken>(&registry, &spaces[0], "0 * * * *", "report").await;
    let scribe = Scribe::<Broken>::new([Err(Error::of(Code::Internal))]);
    let worker = worker(&registry, &scribe);
    registry.clock().advance(HOUR);
    work_off(&worker).await;
    let failed = schedules::list::<Broken>(&spaces[0]).await.unwrap().remove(0);
    assert_eq!(failed.error.as_deref().map(code), Some("INTERNAL"));
    registry.clock().advance(HOUR);
    work_off(&worker).await;
    assert_eq!(scribe.seen(), ["report"]);
    assert_eq!(schedules::list::<Broken>(&spaces[0]).await.unwrap()[0].error, None);
}
