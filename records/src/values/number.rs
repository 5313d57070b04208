//! Numbers as people write them in files: decimal comma or point, and several ways to separate thousands.

use super::{
    Locale,
    decimal::{self, Fault},
};

/// Parses a number in any plausible notation. `decimals` is the usual number of decimals in the field: with fewer than
/// three, `1.234` in a country of decimal commas means one thousand and more.
pub(crate) fn parse(text: &str, scale: u8, decimals: u8, locale: &Locale) -> Result<i64, Fault> {
    let (negative, body) = sign(text.trim());
    if !body.starts_with(|c: char| c.is_ascii_digit() || c == '.' || c == ',') {
        return Err(Fault::Syntax);
    }
    if let Some((_, power)) = body.split_once(['e', 'E']) {
        // scientific notation comes from programs, which write points
        return if power.is_empty() { Err(Fault::Syntax) } else { decimal::parse(&signed(negative, body), scale) };
    }
    let blank = |c: char| matches!(c, ' ' | '\u{a0}' | '\u{2009}' | '\u{202f}' | '\'' | '’' | '_');
    let (whole, fraction) = match decimal_separator(body, decimals, locale) {
        Some(at) => (&body[..at], &body[at + 1..]),
        None => (body, ""),
    };
    let whole = ungroup(whole, blank).ok_or(Fault::Syntax)?;
    if whole.is_empty() && fraction.is_empty() {
        return Err(Fault::Syntax);
    }
    decimal::assemble(negative, &whole, fraction, 0, scale)
}

/// The sign and the rest; brackets mean minus, as in accounting.
pub(crate) fn sign(text: &str) -> (bool, &str) {
    if let Some(inner) = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')) {
        return (true, inner.trim());
    }
    if let Some(rest) = text.strip_prefix(['-', '\u{2212}']) {
        return (true, rest.trim_start());
    }
    (false, text.strip_prefix('+').unwrap_or(text).trim_start())
}

fn signed(negative: bool, body: &str) -> String {
    if negative { format!("-{body}") } else { body.to_owned() }
}

/// Where the decimals begin, if there are any.
fn decimal_separator(body: &str, decimals: u8, locale: &Locale) -> Option<usize> {
    let (point, comma) = (body.rfind('.'), body.rfind(','));
    let (at, separator) = match (point, comma) {
        (None, None) => return None,
        // with both separators, the last one starts the decimals
        (Some(point), Some(comma)) => return Some(point.max(comma)),
        (Some(point), None) => (point, '.'),
        (None, Some(comma)) => (comma, ','),
    };
    if body.matches(separator).count() > 1 {
        return None;
    }
    let looks_grouped = body.len() - at - 1 == 3 && (1..=3).contains(&at) && !body.starts_with('0');
    if !looks_grouped {
        return Some(at);
    }
    let grouped = match separator {
        ',' => decimals == 0 || locale.decimal_point(),
        _ => decimals == 0 || (!locale.decimal_point() && decimals < 3),
    };
    (!grouped).then_some(at)
}

/// The digits of a whole number, if its separators are all the same and stand where thousands (or lakhs) do.
fn ungroup(whole: &str, blank: impl Fn(char) -> bool) -> Option<String> {
    let separator = whole.chars().find(|c| !c.is_ascii_digit());
    let Some(separator) = separator else { return Some(whole.to_owned()) };
    if !(blank(separator) || matches!(separator, '.' | ',')) {
        return None;
    }
    let groups: Vec<&str> = whole.split(separator).collect();
    let (first, rest) = groups.split_first()?;
    let (last, middle) = rest.split_last()?;
    let by_three = middle.iter().all(|group| group.len() == 3);
    let by_two = middle.iter().all(|group| group.len() == 2);
    let plausible = last.len() == 3 && (1..=3).contains(&first.len()) && (by_three || by_two);
    plausible.then(|| groups.concat())
}

#[cfg(test)]
mod tests {
    use super::{super::testing::locale, *};

    #[test]
    fn numbers_as_people_write_them() {
        for (text, country, decimals, hundredths) in [
            ("12", "FR", 2, 1200),
            ("12,5", "FR", 2, 1250),
            ("12,5", "US", 2, 1250),
            ("12.5", "FR", 2, 1250),
            ("1 234,50", "FR", 2, 123_450),
            ("1\u{202f}234\u{a0}567,5", "FR", 2, 0),
            ("1\u{202f}234\u{202f}567,5", "FR", 2, 123_456_750),
            ("1.234,50", "DE", 2, 123_450),
            ("1,234.50", "DE", 2, 123_450),
            ("1'234.50", "CH", 2, 123_450),
            ("1.234.567", "US", 2, 123_456_700),
            ("1,234", "US", 2, 123_400),
            ("1,234", "FR", 2, 123),
            ("1.234", "FR", 2, 123_400),
            ("1.234", "FR", 3, 123),
            ("1.234", "US", 2, 123),
            ("1,234", "FR", 0, 123_400),
            ("0.125", "FR", 2, 12),
            ("1234.567", "FR", 2, 123_457),
            ("12,34,567.5", "IN", 2, 123_456_750),
            ("(1,234.50)", "US", 2, -123_450),
            ("- 5", "FR", 2, -500),
            ("−5", "FR", 2, -500),
            ("+5", "FR", 2, 500),
            ("1.5e2", "FR", 2, 15_000),
            (".5", "US", 2, 50),
            ("5.", "US", 2, 500),
        ] {
            let parsed = parse(text, 2, decimals, &locale(country));
            if hundredths == 0 {
                assert_eq!(parsed, Err(Fault::Syntax), "{text} in {country}");
            } else {
                assert_eq!(parsed, Ok(hundredths), "{text} in {country}");
            }
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for text in
            ["", "abc", "12a", "1 2", "12 34", "1,23,4", "1.2.3", "1,2345,678", "--1", "1-2", "-", "()", "1e", ".", ","]
        {
            assert_eq!(parse(text, 2, 2, &locale("FR")), Err(Fault::Syntax), "{text:?}");
        }
    }
}
