//! Durations in microseconds, written as ISO 8601. A day is 24 hours and a week seven days; months and years have no
//! fixed length and are refused.

use super::decimal;

const SECOND: i64 = 1_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Parses `P1DT2H30M`, `PT0.5S`, `P2W`, `-PT5M`.
pub fn parse(text: &str) -> Option<i64> {
    let (negative, body) = match text.strip_prefix('-') {
        Some(body) => (true, body),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let body = body.strip_prefix(['P', 'p'])?;
    let (date, time) = match body.split_once(['T', 't']) {
        Some((date, time)) if !time.is_empty() => (date, time),
        Some(_) => return None,
        None => (body, ""),
    };
    if body.is_empty() {
        return None;
    }
    let total = parts(date, &[('W', 7 * DAY), ('D', DAY)])?
        .checked_add(parts(time, &[('H', HOUR), ('M', MINUTE), ('S', SECOND)])?)?;
    i64::try_from(if negative { -total } else { total }).ok()
}

/// Adds up `<number><unit>` parts; the units must come in the given order, each at most once.
fn parts(mut text: &str, mut units: &[(char, i64)]) -> Option<i128> {
    let mut total: i128 = 0;
    while !text.is_empty() {
        let end = text.find(|c: char| c.is_ascii_alphabetic())?;
        let letter = text.as_bytes()[end].to_ascii_uppercase() as char;
        let at = units.iter().position(|(unit, _)| *unit == letter)?;
        let number = text[..end].replace(',', ".");
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            return None;
        }
        let scaled = decimal::parse(&number, 6).ok()?;
        total = total.checked_add(decimal::divide(i128::from(scaled) * i128::from(units[at].1), 1_000_000))?;
        units = &units[at + 1..];
        text = &text[end + 1..];
    }
    Some(total)
}

/// Parses what people write: ISO 8601, `1:30`, `01:30:15`, `1h30`, `2 h 15 min`, `45 min`, `3 days`, `2 jours`.
pub fn parse_human(text: &str) -> Option<i64> {
    let text = crate::fold::fold_v1(text);
    parse(&text.to_ascii_uppercase()).or_else(|| clock(&text)).or_else(|| spelled(&text))
}

/// `h:mm` or `h:mm:ss`.
fn clock(text: &str) -> Option<i64> {
    let mut numbers = text.split(':');
    let (hours, minutes, seconds) = (numbers.next()?, numbers.next()?, numbers.next().unwrap_or("00"));
    let two = |part: &str| (part.len() == 2).then(|| part.parse::<i64>().ok()).flatten().filter(|n| *n < 60);
    if numbers.next().is_some() || !hours.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let hours = hours.parse::<i64>().ok()?.checked_mul(HOUR)?;
    hours.checked_add(two(minutes)? * MINUTE + two(seconds)? * SECOND)
}

/// Numbers with units in three languages; a last number without unit has the next smaller unit (`1h30`).
fn spelled(text: &str) -> Option<i64> {
    let mut total: i128 = 0;
    let mut last: i64 = i64::MAX;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let end = rest.find(|c: char| !(c.is_ascii_digit() || c == '.' || c == ',')).unwrap_or(rest.len());
        let number = decimal::parse(&rest[..end].replace(',', "."), 6).ok()?;
        rest = rest[end..].trim_start();
        let end = rest.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(rest.len());
        let unit = match (&rest[..end], last) {
            ("", HOUR) => MINUTE,
            ("", MINUTE) => SECOND,
            (word, _) => unit(word)?,
        };
        if unit >= last {
            return None;
        }
        last = unit;
        total += decimal::divide(i128::from(number) * i128::from(unit), 1_000_000);
        rest = rest[end..].trim_start_matches([' ', '.']);
    }
    (last != i64::MAX).then(|| i64::try_from(total).ok()).flatten()
}

fn unit(word: &str) -> Option<i64> {
    Some(match word {
        "s" | "sec" | "secs" | "second" | "seconds" | "seconde" | "secondes" | "seg" | "segundo" | "segundos" => SECOND,
        "m" | "mn" | "min" | "mins" | "minute" | "minutes" | "minuto" | "minutos" => MINUTE,
        "h" | "hr" | "hrs" | "hour" | "hours" | "heure" | "heures" | "hora" | "horas" => HOUR,
        "d" | "day" | "days" | "j" | "jour" | "jours" | "dia" | "dias" => DAY,
        "w" | "week" | "weeks" | "semaine" | "semaines" | "semana" | "semanas" => 7 * DAY,
        _ => return None,
    })
}

/// Writes a duration; zero is `PT0S`.
pub fn write(micros: i64, out: &mut Vec<u8>) {
    if micros < 0 {
        out.push(b'-');
    }
    out.push(b'P');
    let rest = micros.unsigned_abs();
    let (days, rest) = (rest / DAY as u64, rest % DAY as u64);
    let (hours, rest) = (rest / HOUR as u64, rest % HOUR as u64);
    let (minutes, rest) = (rest / MINUTE as u64, rest % MINUTE as u64);
    let part = |number: u64, unit: u8, out: &mut Vec<u8>| {
        if number > 0 {
            // at most i64::MAX microseconds in days, so it fits
            decimal::write(number as i64, 0, out);
            out.push(unit);
        }
    };
    part(days, b'D', out);
    if hours + minutes + rest > 0 || days == 0 {
        out.push(b'T');
    }
    part(hours, b'H', out);
    part(minutes, b'M', out);
    if rest > 0 || micros == 0 {
        let (mut value, mut scale) = (rest as i64, 6);
        while scale > 0 && value % 10 == 0 {
            value /= 10;
            scale -= 1;
        }
        decimal::write(value, scale, out);
        out.push(b'S');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn text(micros: i64) -> String {
        let mut out = Vec::new();
        write(micros, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn iso_durations() {
        for (iso, micros) in [
            ("PT0S", 0),
            ("PT1H30M", 90 * MINUTE),
            ("P1DT2H", 26 * HOUR),
            ("P2D", 2 * DAY),
            ("PT0.5S", SECOND / 2),
            ("-PT5M", -5 * MINUTE),
        ] {
            assert_eq!(parse(iso), Some(micros), "{iso}");
            assert_eq!(text(micros), iso);
        }
        assert_eq!(parse("P2W"), Some(14 * DAY));
        assert_eq!(parse("PT1,5H"), Some(90 * MINUTE));
        for wrong in
            ["", "P", "PT", "P1Y", "P1M", "1H", "PT1H1H", "PT1M1H", "PT-1H", "PTH", "P1DT", "PT99999999999999H"]
        {
            assert_eq!(parse(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn durations_as_people_write_them() {
        for (human, micros) in [
            ("1:30", 90 * MINUTE),
            ("01:30:15", 90 * MINUTE + 15 * SECOND),
            ("1h30", 90 * MINUTE),
            ("1h 30 min", 90 * MINUTE),
            ("1,5 h", 90 * MINUTE),
            ("45 min.", 45 * MINUTE),
            ("2 días", 2 * DAY),
            ("3 Jours 4 heures", 3 * DAY + 4 * HOUR),
            ("pt10s", 10 * SECOND),
        ] {
            assert_eq!(parse_human(human), Some(micros), "{human}");
        }
        for wrong in ["", "90", "h", "1:5", "1:75", "1:30:00:00", "2 apples", "5 min 2 h", "-1:30"] {
            assert_eq!(parse_human(wrong), None, "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(micros in -i64::MAX..i64::MAX) {
            prop_assert_eq!(parse(&text(micros)), Some(micros));
        }
    }
}
