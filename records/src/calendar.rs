//! Time zones: when local days begin, which instants a period covers, and the boundaries of buckets.
//!
//! Instants are microseconds since 1970 UTC, days are counted from 1970-01-01; ranges are half open.

use chrono::{
    DateTime, Datelike, Days, MappedLocalTime, Months, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, TimeZone,
};
use chrono_tz::Tz;

use crate::filter::Period;

/// A range from (included) until (excluded); `None` is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first value inside.
    pub from: Option<i64>,
    /// The first value after the range.
    pub until: Option<i64>,
}

/// Length of a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CalendarUnit {
    /// 60 minutes, from the full local hour.
    Hour,
    /// From local midnight.
    Day,
    /// From Monday.
    Week,
    /// From the first.
    Month,
    /// From January, April, July, October.
    Quarter,
    /// From the first of January.
    Year,
}

/// First day that dates can hold: 0001-01-01.
pub const MIN_DAY: i64 = -719_162;
/// Last day that dates can hold: 9999-12-31.
pub const MAX_DAY: i64 = 2_932_896;

/// The number of a day; see [`date`].
pub fn day_number(date: NaiveDate) -> i64 {
    i64::from(date.to_epoch_days())
}

/// The date of a day number. Numbers outside the calendar give its first or last day.
pub fn date(day: i64) -> NaiveDate {
    i32::try_from(day.clamp(MIN_DAY, MAX_DAY)).ok().and_then(NaiveDate::from_epoch_days).unwrap_or_default()
}

/// The local day of an instant.
pub fn local_date(instant: i64, zone: Tz) -> NaiveDate {
    let utc = DateTime::from_timestamp_micros(instant).unwrap_or_default();
    utc.with_timezone(&zone).date_naive()
}

/// The instant of a local time. A time that exists twice (clocks turned back) means the earlier one. A time that does
/// not exist (clocks turned forward) is moved forward by the length of the gap.
pub fn instant(local: NaiveDateTime, zone: Tz) -> i64 {
    match zone.from_local_datetime(&local) {
        MappedLocalTime::Single(found) | MappedLocalTime::Ambiguous(found, _) => found.timestamp_micros(),
        MappedLocalTime::None => {
            // the offset before the gap: no zone jumps by more than a day (Samoa left one out)
            let before = zone.offset_from_utc_datetime(&(local - TimeDelta::days(2)));
            let shift = chrono::Offset::fix(&before).local_minus_utc();
            (local - TimeDelta::seconds(i64::from(shift))).and_utc().timestamp_micros()
        }
    }
}

/// The instant at which a local day begins: midnight, or the first time after it if clocks skip midnight.
pub fn day_start(day: NaiveDate, zone: Tz) -> i64 {
    instant(day.and_time(NaiveTime::MIN), zone)
}

/// The instants of a period relative to now.
pub fn instants(period: Period, now: i64, zone: Tz) -> Span {
    match period {
        Period::Past => Span { from: None, until: Some(now) },
        Period::Future => Span { from: now.checked_add(1), until: None },
        _ => {
            let days = days(period, now, zone);
            let start = |day: i64| day_start(date(day), zone);
            let mut span = Span { from: days.from.map(start), until: days.until.map(start) };
            match period {
                Period::LastDays(_) => span.until = now.checked_add(1),
                Period::NextDays(_) => span.from = Some(now),
                _ => {}
            }
            span
        }
    }
}

/// The days of a period relative to the local day of now.
pub fn days(period: Period, now: i64, zone: Tz) -> Span {
    let today = local_date(now, zone);
    let number = day_number(today);
    let plus = |days: i64| Some(number.saturating_add(days).clamp(MIN_DAY, MAX_DAY + 1));
    let unit = |step: CalendarUnit, ahead: i32| {
        let start = shift(start_of(step, today), step, ahead);
        Span { from: Some(day_number(start)), until: Some(day_number(shift(start, step, 1))) }
    };
    match period {
        Period::Today => unit(CalendarUnit::Day, 0),
        Period::Yesterday => unit(CalendarUnit::Day, -1),
        Period::Tomorrow => unit(CalendarUnit::Day, 1),
        Period::ThisWeek => unit(CalendarUnit::Week, 0),
        Period::LastWeek => unit(CalendarUnit::Week, -1),
        Period::NextWeek => unit(CalendarUnit::Week, 1),
        Period::ThisMonth => unit(CalendarUnit::Month, 0),
        Period::LastMonth => unit(CalendarUnit::Month, -1),
        Period::NextMonth => unit(CalendarUnit::Month, 1),
        Period::ThisQuarter => unit(CalendarUnit::Quarter, 0),
        Period::LastQuarter => unit(CalendarUnit::Quarter, -1),
        Period::ThisYear => unit(CalendarUnit::Year, 0),
        Period::LastYear => unit(CalendarUnit::Year, -1),
        Period::Past => Span { from: None, until: plus(0) },
        Period::Future => Span { from: plus(1), until: None },
        Period::LastDays(n) => Span { from: plus(1 - i64::from(n)), until: plus(1) },
        Period::NextDays(n) => Span { from: plus(0), until: plus(i64::from(n)) },
        Period::OlderThanDays(n) => Span { from: None, until: plus(-i64::from(n)) },
        Period::AfterDays(n) => Span { from: plus(i64::from(n) + 1), until: None },
    }
}

/// The boundaries of the buckets that cover a range: the first at or before its start, the last at or after its end, so
/// there is one more than there are buckets. `None` if there are more buckets than the limit.
pub fn boundaries(step: CalendarUnit, from: i64, until: i64, zone: Tz, limit: usize) -> Option<Vec<i64>> {
    if step == CalendarUnit::Hour {
        return hours(from, until, zone, limit);
    }
    let first = start_of(step, local_date(from, zone));
    collect(first, step, limit, |day| day_start(day, zone), until)
}

/// Like [`boundaries`], for day numbers. An hour bucket of a day is the day itself.
pub fn day_boundaries(step: CalendarUnit, from: i64, until: i64, limit: usize) -> Option<Vec<i64>> {
    let step = if step == CalendarUnit::Hour { CalendarUnit::Day } else { step };
    collect(start_of(step, date(from)), step, limit, day_number, until)
}

fn collect(
    mut day: NaiveDate,
    step: CalendarUnit,
    limit: usize,
    number: impl Fn(NaiveDate) -> i64,
    until: i64,
) -> Option<Vec<i64>> {
    let mut found = vec![number(day)];
    loop {
        let next = shift(day, step, 1);
        if next <= day {
            return Some(found);
        }
        day = next;
        let boundary = number(day);
        // a day that a zone left out has no instants, and so no bucket
        if found.last().is_none_or(|last| boundary > *last) {
            found.push(boundary);
        }
        if boundary >= until {
            return Some(found);
        }
        if found.len() > limit {
            return None;
        }
    }
}

fn hours(from: i64, until: i64, zone: Tz, limit: usize) -> Option<Vec<i64>> {
    const HOUR: i64 = 3_600_000_000;
    let begin = |instant: i64| {
        let utc = DateTime::from_timestamp_micros(instant).unwrap_or_default().naive_utc();
        let offset = chrono::Offset::fix(&zone.offset_from_utc_datetime(&utc)).local_minus_utc();
        let offset = i64::from(offset) * 1_000_000;
        instant.saturating_add(offset).div_euclid(HOUR).saturating_mul(HOUR).saturating_sub(offset)
    };
    let mut found = vec![begin(from)];
    loop {
        if found.len() > limit {
            return None;
        }
        let last = found.last().copied().unwrap_or(from);
        let next = begin(last.checked_add(HOUR)?).max(last + 1);
        found.push(next);
        if next >= until {
            return Some(found);
        }
    }
}

/// The first day of the bucket that holds a day.
pub fn start_of(step: CalendarUnit, day: NaiveDate) -> NaiveDate {
    let start = match step {
        CalendarUnit::Hour | CalendarUnit::Day => Some(day),
        CalendarUnit::Week => day.checked_sub_days(Days::new(u64::from(day.weekday().num_days_from_monday()))),
        CalendarUnit::Month => day.with_day(1),
        CalendarUnit::Quarter => NaiveDate::from_ymd_opt(day.year(), day.month0() / 3 * 3 + 1, 1),
        CalendarUnit::Year => NaiveDate::from_ymd_opt(day.year(), 1, 1),
    };
    start.unwrap_or(day)
}

/// The first day of the bucket that many buckets later; at the end of the calendar it stays where it is.
fn shift(start: NaiveDate, step: CalendarUnit, count: i32) -> NaiveDate {
    let days = |n: i32| {
        let days = Days::new(u64::from(n.unsigned_abs()));
        if n < 0 { start.checked_sub_days(days) } else { start.checked_add_days(days) }
    };
    let months = |n: i32| {
        let months = Months::new(n.unsigned_abs());
        if n < 0 { start.checked_sub_months(months) } else { start.checked_add_months(months) }
    };
    let shifted = match step {
        CalendarUnit::Hour | CalendarUnit::Day => days(count),
        CalendarUnit::Week => days(count.saturating_mul(7)),
        CalendarUnit::Month => months(count),
        CalendarUnit::Quarter => months(count.saturating_mul(3)),
        CalendarUnit::Year => months(count.saturating_mul(12)),
    };
    shifted.unwrap_or(start)
}

#[cfg(test)]
mod tests {
    use chrono_tz::{Africa::Algiers, America::New_York, Australia::Lord_Howe, Europe::Paris, Pacific::Apia, UTC};
    use proptest::prelude::*;

    use super::*;

    fn at(text: &str) -> i64 {
        DateTime::parse_from_rfc3339(text).unwrap().timestamp_micros()
    }

    fn local(text: &str, zone: Tz) -> i64 {
        instant(text.parse().unwrap(), zone)
    }

    fn ymd(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn local_times_through_gaps_and_overlaps() {
        for (text, zone, utc) in [
            ("2026-07-01T12:00:00", Paris, "2026-07-01T10:00:00Z"),
            // 02:00 became 03:00.
            ("2026-03-29T02:30:00", Paris, "2026-03-29T01:30:00Z"),
            ("2026-03-29T03:00:00", Paris, "2026-03-29T01:00:00Z"),
            // 03:00 became 02:00: the first of the two times 02:30
            ("2026-10-25T02:30:00", Paris, "2026-10-25T00:30:00Z"),
            ("2026-10-25T03:00:00", Paris, "2026-10-25T02:00:00Z"),
            ("2026-03-08T02:30:00", New_York, "2026-03-08T07:30:00Z"),
            // the whole day is missing
            ("2011-12-30T12:00:00", Apia, "2011-12-30T22:00:00Z"),
        ] {
            assert_eq!(local(text, zone), at(utc), "{text} in {zone}");
        }
    }

    #[test]
    fn days_begin_when_the_clock_says_so() {
        assert_eq!(day_start(ymd("2026-03-01"), Algiers), at("2026-02-28T23:00:00Z"));
        assert_eq!(day_start(ymd("2026-03-29"), Paris), at("2026-03-28T23:00:00Z"));
        assert_eq!(day_start(ymd("2026-03-30"), Paris), at("2026-03-29T22:00:00Z"));
        // midnight itself was skipped
        assert_eq!(day_start(ymd("2018-11-04"), chrono_tz::America::Sao_Paulo), at("2018-11-04T03:00:00Z"));
        assert_eq!(day_start(ymd("2011-12-30"), Apia), day_start(ymd("2011-12-31"), Apia));
        assert_eq!(local_date(at("2026-02-28T23:30:00Z"), Algiers), ymd("2026-03-01"));
    }

    #[test]
    fn periods_as_days() {
        let now = at("2026-03-01T23:30:00Z"); // Monday the 2nd in Algiers.
        for (period, from, until) in [
            (Period::Today, Some("2026-03-02"), Some("2026-03-03")),
            (Period::Yesterday, Some("2026-03-01"), Some("2026-03-02")),
            (Period::Tomorrow, Some("2026-03-03"), Some("2026-03-04")),
            (Period::ThisWeek, Some("2026-03-02"), Some("2026-03-09")),
            (Period::LastWeek, Some("2026-02-23"), Some("2026-03-02")),
            (Period::NextWeek, Some("2026-03-09"), Some("2026-03-16")),
            (Period::ThisMonth, Some("2026-03-01"), Some("2026-04-01")),
            (Period::LastMonth, Some("2026-02-01"), Some("2026-03-01")),
            (Period::NextMonth, Some("2026-04-01"), Some("2026-05-01")),
            (Period::ThisQuarter, Some("2026-01-01"), Some("2026-04-01")),
            (Period::LastQuarter, Some("2025-10-01"), Some("2026-01-01")),
            (Period::ThisYear, Some("2026-01-01"), Some("2027-01-01")),
            (Period::LastYear, Some("2025-01-01"), Some("2026-01-01")),
            (Period::Past, None, Some("2026-03-02")),
            (Period::Future, Some("2026-03-03"), None),
            (Period::LastDays(1), Some("2026-03-02"), Some("2026-03-03")),
            (Period::LastDays(30), Some("2026-02-01"), Some("2026-03-03")),
            (Period::NextDays(2), Some("2026-03-02"), Some("2026-03-04")),
            (Period::OlderThanDays(2), None, Some("2026-02-28")),
            (Period::AfterDays(2), Some("2026-03-05"), None),
        ] {
            let number = |text: Option<&str>| text.map(|text| day_number(ymd(text)));
            assert_eq!(days(period, now, Algiers), Span { from: number(from), until: number(until) }, "{period:?}");
        }
    }

    #[test]
    fn periods_as_instants() {
        let now = at("2026-03-29T10:00:00Z");
        let span = |from: &str, until: &str| Span { from: Some(at(from)), until: Some(at(until)) };
        // A day of 23 hours.
        assert_eq!(instants(Period::Today, now, Paris), span("2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"));
        assert_eq!(
            instants(Period::LastDays(7), now, Paris),
            span("2026-03-22T23:00:00Z", "2026-03-29T10:00:00.000001Z")
        );
        assert_eq!(instants(Period::NextDays(1), now, Paris), span("2026-03-29T10:00:00Z", "2026-03-29T22:00:00Z"));
        assert_eq!(instants(Period::Past, now, Paris), Span { from: None, until: Some(now) });
        assert_eq!(instants(Period::Future, now, Paris), Span { from: Some(now + 1), until: None });
        assert_eq!(
            instants(Period::OlderThanDays(1), now, Paris),
            Span { from: None, until: Some(at("2026-03-27T23:00:00Z")) }
        );
        let none = instants(Period::LastDays(0), now, Paris);
        assert!(none.from > none.until);
    }

    #[test]
    fn buckets_follow_the_local_calendar() {
        let from = at("2026-03-28T12:00:00Z");
        let until = at("2026-03-30T12:00:00Z");
        let found = |step, limit| boundaries(step, from, until, Paris, limit);
        let instants = |texts: &[&str]| Some(texts.iter().map(|text| at(text)).collect::<Vec<_>>());
        assert_eq!(
            found(CalendarUnit::Day, 10),
            instants(&["2026-03-27T23:00:00Z", "2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z", "2026-03-30T22:00:00Z"])
        );
        assert_eq!(
            found(CalendarUnit::Week, 10),
            instants(&["2026-03-22T23:00:00Z", "2026-03-29T22:00:00Z", "2026-04-05T22:00:00Z"])
        );
        assert_eq!(found(CalendarUnit::Month, 10), instants(&["2026-02-28T23:00:00Z", "2026-03-31T22:00:00Z"]));
        assert_eq!(found(CalendarUnit::Quarter, 10), instants(&["2025-12-31T23:00:00Z", "2026-03-31T22:00:00Z"]));
        assert_eq!(found(CalendarUnit::Year, 10), instants(&["2025-12-31T23:00:00Z", "2026-12-31T23:00:00Z"]));
        assert_eq!(found(CalendarUnit::Hour, 1000).map(|hours| hours.len()), Some(49));
        assert_eq!(found(CalendarUnit::Day, 3).map(|days| days.len()), Some(4));
        assert_eq!(found(CalendarUnit::Day, 2), None);
        assert_eq!(
            boundaries(CalendarUnit::Day, at("2011-12-29T12:00:00Z"), at("2012-01-01T00:00:00Z"), Apia, 9)
                .unwrap()
                .len(),
            4
        );
    }

    #[test]
    fn day_buckets_need_no_zone() {
        let day = |text: &str| day_number(ymd(text));
        let months = day_boundaries(CalendarUnit::Month, day("2026-01-15"), day("2026-03-02"), 10);
        assert_eq!(months, Some(["2026-01-01", "2026-02-01", "2026-03-01", "2026-04-01"].map(day).to_vec()));
        assert_eq!(day_boundaries(CalendarUnit::Year, MIN_DAY, MAX_DAY, 100), None);
        assert!(day_boundaries(CalendarUnit::Year, MIN_DAY, MAX_DAY, 10_000).is_some());
    }

    proptest! {
        #[test]
        fn every_instant_is_in_its_local_day(instant in -62_000_000_000_000_000_i64..250_000_000_000_000_000, zone in 0usize..5) {
            let zone = [UTC, Paris, New_York, Lord_Howe, Apia][zone];
            let day = local_date(instant, zone);
            prop_assert!(day_start(day, zone) <= instant);
            prop_assert!(instant < day_start(day + Days::new(1), zone));
        }

        #[test]
        fn boundaries_rise_and_hold_their_range(from in 0i64..4_000_000_000_000_000, length in 0i64..5_000_000_000_000, step in 0usize..6, zone in 0usize..5) {
            let zone = [UTC, Paris, New_York, Lord_Howe, Apia][zone];
            let step = [CalendarUnit::Hour, CalendarUnit::Day, CalendarUnit::Week, CalendarUnit::Month, CalendarUnit::Quarter, CalendarUnit::Year][step];
            let found = boundaries(step, from, from + length, zone, 100_000).unwrap();
            prop_assert!(found.len() >= 2);
            prop_assert!(found.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert!(found[0] <= from && *found.last().unwrap() >= from + length);
            prop_assert!(found[1] > from);
        }
    }
}
