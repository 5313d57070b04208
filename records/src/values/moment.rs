//! Dates and instants: parsed from ISO notation and from what people write in files, written as RFC 3339.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta};
use chrono_tz::Tz;

use super::Locale;
use crate::{calendar, fold::fold_v1};

/// Parses `2026-03-01`, the only notation of the API.
pub(crate) fn iso_date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    if bytes.len() != 10 || bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let part = |range: std::ops::Range<usize>| text.get(range).and_then(number);
    in_calendar(NaiveDate::from_ymd_opt(part(0..4)? as i32, part(5..7)?, part(8..10)?)?)
}

/// Parses RFC 3339; without offset it is a local time of the zone, and a date alone is the start of that day.
pub(crate) fn iso_instant(text: &str, zone: Tz) -> Option<i64> {
    if let Ok(found) = DateTime::parse_from_rfc3339(text) {
        return in_time(found.timestamp_micros());
    }
    let local = match text.len() {
        10 => calendar::date(iso_date(text)?).and_time(NaiveTime::MIN),
        _ => {
            let day = calendar::date(iso_date(text.get(..10)?)?);
            let time = text.get(10..)?.strip_prefix(['T', 't', ' '])?;
            day.and_time(clock(time, None)?)
        }
    };
    in_time(calendar::instant(local, zone))
}

/// Parses a date in the many notations of files; a time after it is ignored.
pub(crate) fn human_date(text: &str, locale: &Locale) -> Option<i64> {
    iso_date(text).or_else(|| calendar_day(split(text, locale)?.day))
}

fn calendar_day(day: NaiveDate) -> Option<i64> {
    in_calendar(day)
}

/// Parses an instant in the many notations of files; without offset it is a local time of the organisation.
pub(crate) fn human_instant(text: &str, locale: &Locale) -> Option<i64> {
    if let Some(found) = iso_instant(text, locale.time_zone) {
        return Some(found);
    }
    let moment = split(text, locale)?;
    let local = moment.day.and_time(moment.time);
    in_time(match moment.offset {
        Some(seconds) => (local - TimeDelta::seconds(seconds)).and_utc().timestamp_micros(),
        None => calendar::instant(local, locale.time_zone),
    })
}

struct Moment {
    day: NaiveDate,
    time: NaiveTime,
    /// Seconds east of Greenwich.
    offset: Option<i64>,
}

/// Splits a text from its end into offset, am/pm, time and date.
fn split(text: &str, locale: &Locale) -> Option<Moment> {
    if text.len() > 100 {
        return None;
    }
    let folded = fold_v1(text);
    let spaced = match folded.as_bytes() {
        // 2026-03-01t10:00
        [_, _, _, _, b'-' | b'/', _, _, b'-' | b'/', _, _, b't', ..] => folded.replacen('t', " ", 1),
        _ => folded,
    };
    let mut words: Vec<&str> = spaced.split(' ').filter(|word| !matches!(*word, "a" | "at" | "las")).collect();
    // the offset may stand alone or follow the time: `10:00 +0200`, `10:00z`
    let last = words.pop()?;
    let (last, offset) = match last.find(['+', '-', 'z', 'u', 'g']).filter(|at| *at == 0 || last[..*at].contains(':')) {
        Some(at) => match offset(&last[at..]) {
            Some(seconds) => (&last[..at], Some(seconds)),
            None => (last, None),
        },
        None => (last, None),
    };
    if !last.is_empty() {
        words.push(last);
    }
    let half = match words.last().copied() {
        Some("am" | "a.m." | "a.m") => Some(false),
        Some("pm" | "p.m." | "p.m") => Some(true),
        _ => None,
    };
    if half.is_some() {
        words.pop();
    }
    let time = match words.last().copied() {
        Some(word) if words.len() > 1 => clock(word, half),
        _ => None,
    };
    if time.is_some() {
        words.pop();
    } else if half.is_some() || offset.is_some() {
        return None;
    }
    Some(Moment { day: day(&words.join(" "), locale)?, time: time.unwrap_or(NaiveTime::MIN), offset })
}

fn offset(word: &str) -> Option<i64> {
    if matches!(word, "z" | "utc" | "gmt") {
        return Some(0);
    }
    let (sign, rest) = match word.as_bytes().first()? {
        b'+' => (1, &word[1..]),
        b'-' => (-1, &word[1..]),
        _ => return None,
    };
    let digits = rest.replacen(':', "", 1);
    if digits.len() != 4 {
        return None;
    }
    let (hours, minutes) = (number(digits.get(..2)?)?, number(digits.get(2..)?)?);
    (hours <= 14 && minutes < 60).then(|| sign * i64::from(hours * 3600 + minutes * 60))
}

/// Parses `14:30`, `14:30:05.123`, `14h30`, `9h`, `2:30pm`; `half` is an am/pm found elsewhere.
fn clock(word: &str, half: Option<bool>) -> Option<NaiveTime> {
    let (word, half) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(time), _) => (time, Some(false)),
        (_, Some(time)) => (time, Some(true)),
        _ => (word, half),
    };
    let (hour, rest) = match word.split_once([':', 'h']) {
        Some(parts) => parts,
        None if half.is_some() => (word, ""),
        None => return None,
    };
    let (minute, second) = rest.split_once(':').unwrap_or((rest, "0"));
    let (second, fraction) = second.split_once(['.', ',']).unwrap_or((second, "0"));
    let two = |part: &str| if part.len() <= 2 { number(part) } else { None };
    let minute = if minute.is_empty() && (half.is_some() || word.ends_with('h')) { 0 } else { two(minute)? };
    if fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let nanos = number(fraction)? * 10_u32.pow(9 - fraction.len() as u32);
    let hour = match (two(hour)?, half) {
        (hour, None) => hour,
        (12, Some(false)) => 0,
        (12, Some(true)) => 12,
        (hour @ 1..=11, Some(true)) => hour + 12,
        (hour @ 1..=11, Some(false)) => hour,
        _ => return None,
    };
    NaiveTime::from_hms_nano_opt(hour, minute, two(second)?, nanos)
}

/// Parses a date of day, month and year in any order that is clear; the text is folded.
fn day(text: &str, locale: &Locale) -> Option<NaiveDate> {
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return NaiveDate::from_ymd_opt(number(&text[..4])? as i32, number(&text[4..6])?, number(&text[6..])?);
    }
    let mut month = None;
    let mut numbers: Vec<&str> = Vec::with_capacity(3);
    for part in text.split(['/', '-', '.', ',', ' ']).filter(|part| !part.is_empty()) {
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            numbers.push(without_ordinal(part));
        } else if let Some(found) = month_name(part) {
            // "mar" is the start of a weekday and of a month; the month comes last
            month = Some(found);
        } else if !is_filler(part) {
            return None;
        }
    }
    match (numbers.as_slice(), month) {
        ([first, second], Some(month)) if first.len() == 4 => ymd(first, month, number(second)?),
        ([first, second], Some(month)) => ymd(second, month, number(first)?),
        ([year, month, day], None) if year.len() == 4 => ymd(year, number(month)?, number(day)?),
        ([first, second, year], None) => {
            let (first, second) = (number(first)?, number(second)?);
            let month_first = locale.month_first() && !text.contains('.');
            let (day, month) = if month_first { (second, first) } else { (first, second) };
            ymd(year, month, day).or_else(|| ymd(year, day, month))
        }
        _ => None,
    }
}

/// A two-digit year means 1950 to 2049.
fn ymd(year: &str, month: u32, day: u32) -> Option<NaiveDate> {
    let number = number(year)? as i32;
    let year = match (year.len(), number) {
        (4, year) => year,
        (2, year @ 0..=49) => 2000 + year,
        (2, year) => 1900 + year,
        _ => return None,
    };
    NaiveDate::from_ymd_opt(year, month, day)
}

fn without_ordinal(part: &str) -> &str {
    const ENDINGS: [&str; 7] = ["st", "nd", "rd", "th", "er", "o", "a"];
    ENDINGS.iter().find_map(|ending| part.strip_suffix(ending)).unwrap_or(part)
}

/// The month whose name in English, French or Spanish starts like this, if there is only one.
fn month_name(word: &str) -> Option<u32> {
    const NAMES: [&str; 12] = [
        "january janvier enero",
        "february fevrier febrero",
        "march mars marzo",
        "april avril abril",
        "may mai mayo",
        "june juin junio",
        "july juillet julio",
        "august aout agosto",
        "september septembre septiembre setiembre",
        "october octobre octubre",
        "november novembre noviembre",
        "december decembre diciembre",
    ];
    if word.len() < 3 {
        return None;
    }
    let mut found = (1..).zip(NAMES).filter(|(_, names)| names.split(' ').any(|name| name.starts_with(word)));
    let (month, _) = found.next()?;
    found.next().is_none().then_some(month)
}

fn is_filler(word: &str) -> bool {
    const WEEKDAYS: &str = "monday tuesday wednesday thursday friday saturday sunday lundi mardi mercredi jeudi \
                            vendredi samedi dimanche lunes martes miercoles jueves viernes sabado domingo";
    matches!(word, "de" | "del" | "of" | "le" | "el" | "the")
        || (word.len() >= 3 && WEEKDAYS.split(' ').any(|name| name.starts_with(word)))
}

/// A number of plain digits.
fn number(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) { None } else { text.parse().ok() }
}

fn in_calendar(day: NaiveDate) -> Option<i64> {
    let number = calendar::day_number(day);
    (calendar::MIN_DAY..=calendar::MAX_DAY).contains(&number).then_some(number)
}

fn in_time(instant: i64) -> Option<i64> {
    const DAY: i64 = 86_400_000_000;
    (calendar::MIN_DAY * DAY..(calendar::MAX_DAY + 1) * DAY).contains(&instant).then_some(instant)
}

/// Writes `2026-03-01`.
pub(crate) fn write_date(day: i64, out: &mut Vec<u8>) {
    let date = calendar::date(day);
    let year = date.year().unsigned_abs();
    out.extend_from_slice(&[two(year / 100)[0], two(year / 100)[1], two(year)[0], two(year)[1], b'-']);
    out.extend_from_slice(&two(date.month()));
    out.push(b'-');
    out.extend_from_slice(&two(date.day()));
}

/// Writes `2026-03-01T10:00:00Z`, with milli- or microseconds where they are not zero.
pub(crate) fn write_instant(micros: i64, out: &mut Vec<u8>) {
    const DAY: i64 = 86_400_000_000;
    write_date(micros.div_euclid(DAY), out);
    let rest = micros.rem_euclid(DAY);
    // below 86 400, so it fits
    let seconds = (rest / 1_000_000) as u32;
    out.push(b'T');
    out.extend_from_slice(&two(seconds / 3600));
    out.push(b':');
    out.extend_from_slice(&two(seconds / 60 % 60));
    out.push(b':');
    out.extend_from_slice(&two(seconds % 60));
    let fraction = (rest % 1_000_000) as u32;
    if fraction > 0 {
        let [a, b] = two(fraction / 10_000);
        let [c, d] = two(fraction / 100);
        let [e, f] = two(fraction);
        out.extend_from_slice(&[b'.', a, b, c]);
        if !fraction.is_multiple_of(1000) {
            out.extend_from_slice(&[d, e, f]);
        }
    }
    out.push(b'Z');
}

fn two(number: u32) -> [u8; 2] {
    [b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::testing::locale, *};

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    fn date_in(text: &str, country: &str) -> Option<String> {
        human_date(text, &locale(country)).map(|day| written(|out| write_date(day, out)))
    }

    fn instant(text: &str) -> Option<String> {
        human_instant(text, &locale("DZ")).map(|micros| written(|out| write_instant(micros, out)))
    }

    #[test]
    fn dates_as_people_write_them() {
        for (text, country, iso) in [
            ("1996-07-04", "DZ", "1996-07-04"),
            ("1996-07-04 00:00:00.000", "DZ", "1996-07-04"),
            ("1996-07-04T10:00:00+02:00", "DZ", "1996-07-04"),
            ("1996/7/4", "US", "1996-07-04"),
            ("19960704", "DZ", "1996-07-04"),
            ("04/07/1996", "FR", "1996-07-04"),
            ("07/04/1996", "US", "1996-07-04"),
            ("4.7.1996", "US", "1996-07-04"),
            ("25/12/1996", "US", "1996-12-25"),
            ("12/25/1996", "FR", "1996-12-25"),
            ("4-7-96", "FR", "1996-07-04"),
            ("04/07/26", "FR", "2026-07-04"),
            ("4 juillet 1996", "FR", "1996-07-04"),
            ("1er août 1996", "FR", "1996-08-01"),
            ("jeudi 4 juillet 1996", "FR", "1996-07-04"),
            ("July 4th, 1996", "US", "1996-07-04"),
            ("Thu, 04 Jul 1996 10:00:00 GMT", "US", "1996-07-04"),
            ("4 de julio de 1996", "ES", "1996-07-04"),
            ("mar. 5 mars 1996", "FR", "1996-03-05"),
            ("4-Jul-96", "US", "1996-07-04"),
            ("1996 July 4", "US", "1996-07-04"),
            ("29/02/2024", "FR", "2024-02-29"),
        ] {
            assert_eq!(date_in(text, country).as_deref(), Some(iso), "{text} in {country}");
        }
        for text in [
            "",
            "today",
            "1996",
            "07/1996",
            "31/02/1996",
            "29/02/2023",
            "4 jui 1996",
            "4/7/196",
            "4 thermidor 1996",
            "13/13/1996",
            "1/2/3/4",
            "99999999",
            "4 juillet",
            "12:30",
            "0000-01-01",
            "10000-01-01",
        ] {
            assert_eq!(date_in(text, "FR"), None, "{text:?}");
        }
    }

    #[test]
    fn instants_as_people_write_them() {
        for (text, iso) in [
            ("2026-03-01T12:00:00Z", "2026-03-01T12:00:00Z"),
            ("2026-03-01 13:00:00", "2026-03-01T12:00:00Z"),
            ("2021-01-01 00:00:00", "2020-12-31T23:00:00Z"),
            ("01/03/2026 13:00", "2026-03-01T12:00:00Z"),
            ("01/03/2026 13h", "2026-03-01T12:00:00Z"),
            ("01/03/2026 à 13h30", "2026-03-01T12:30:00Z"),
            ("March 1, 2026 1:00 PM", "2026-03-01T12:00:00Z"),
            ("March 1, 2026 at 1pm", "2026-03-01T12:00:00Z"),
            ("1 mars 2026 12:00 am", "2026-02-28T23:00:00Z"),
            ("1 de marzo de 2026 a las 13:00", "2026-03-01T12:00:00Z"),
            ("01/03/2026 12:00:00.5 UTC", "2026-03-01T12:00:00.500Z"),
            ("Sun, 01 Mar 2026 14:00:00 +0200", "2026-03-01T12:00:00Z"),
            ("2026/03/01T13:00", "2026-03-01T12:00:00Z"),
            ("01/03/2026", "2026-02-28T23:00:00Z"),
        ] {
            assert_eq!(instant(text).as_deref(), Some(iso), "{text}");
        }
        for text in [
            "13:00",
            "01/03/2026 25:00",
            "01/03/2026 13:60",
            "01/03/2026 13 pm",
            "01/03/2026 PM",
            "01/03/2026 +0200",
            "2026-03-01T12:00:00+99:00",
            "soon",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }

    #[test]
    fn only_the_digits_needed_are_written() {
        for (micros, iso) in [
            (0, "1970-01-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_500_000, "1970-01-01T00:00:01.500Z"),
            (1_000_001, "1970-01-01T00:00:01.000001Z"),
        ] {
            assert_eq!(written(|out| write_instant(micros, out)), iso);
        }
    }

    proptest! {
        #[test]
        fn dates_read_as_written(day in calendar::MIN_DAY..=calendar::MAX_DAY) {
            let text = written(|out| write_date(day, out));
            prop_assert_eq!(iso_date(&text), Some(day));
            prop_assert_eq!(human_date(&text, &locale("US")), Some(day));
        }

        #[test]
        fn instants_read_as_written(micros in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            let text = written(|out| write_instant(micros, out));
            prop_assert_eq!(iso_instant(&text, chrono_tz::Africa::Algiers), Some(micros));
        }

        #[test]
        fn nothing_written_breaks_the_reader(text in "[-0-9/:. TZapmh+é]{0,25}|\\PC{0,20}") {
            human_date(&text, &locale("US"));
            human_instant(&text, &locale("FR"));
        }
    }
}
