//! Phone numbers: kept as typed, compared as E.164 where the number exists in its country.

use std::str::FromStr;

use phonenumber::country::Id;
use unicode_normalization::UnicodeNormalization;

use super::Contact;

/// Reads a number as somebody in a country (ISO 3166, `""` if unknown) would dial it. Never refuses: what does not
/// exist is not valid, and its key is its digits.
pub fn parse(text: &str, country: &str) -> Contact {
    let typed = text.trim();
    let digits = dialled(typed);
    let existing = digits.as_deref().and_then(|digits| e164(digits, country));
    let valid = existing.is_some();
    let key = existing.or(digits).unwrap_or_else(|| crate::fold::fold_v1(typed));
    Contact { typed: typed.to_owned(), key, valid }
}

/// The digits of a number with its leading plus; none if it holds anything else than digits and punctuation.
/// An extension is left out, and so is the `(0)` that must not be dialled from abroad.
fn dialled(typed: &str) -> Option<String> {
    let plain: String = typed.nfkc().flat_map(char::to_lowercase).collect();
    let plain = plain.strip_prefix("tel:").unwrap_or(&plain).trim_start();
    let number = without_extension(plain).replace("(0)", "");
    let mut digits = String::with_capacity(number.len());
    for c in number.chars() {
        match c {
            '+' if digits.is_empty() => digits.push('+'),
            _ if c.is_whitespace() => {}
            '-'
            | '.'
            | '/'
            | '('
            | ')'
            | '['
            | ']'
            | '\u{2010}'..='\u{2015}'
            | '\u{2212}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2066}'..='\u{2069}'
            | '\u{ad}'
            | '~'
            | '·' => {}
            _ => digits.push(digit(c)?),
        }
    }
    digits.bytes().any(|b| b.is_ascii_digit()).then_some(digits)
}

/// Digits of the scripts that phone numbers are written in.
fn digit(c: char) -> Option<char> {
    let value = match c {
        '0'..='9' => return Some(c),
        '\u{660}'..='\u{669}' => c as u32 - 0x660,
        '\u{6f0}'..='\u{6f9}' => c as u32 - 0x6f0,
        '\u{966}'..='\u{96f}' => c as u32 - 0x966,
        _ => return None,
    };
    char::from_digit(value, 10)
}

fn without_extension(text: &str) -> &str {
    const MARKS: [&str; 8] = [";", "#", "ext", "poste", "durchwahl", "anexo", "int.", "x"];
    MARKS.iter().filter_map(|mark| text.find(mark)).min().map_or(text, |at| &text[..at])
}

/// The number in E.164, if its country has such numbers.
fn e164(digits: &str, country: &str) -> Option<String> {
    // What carriers and the metadata know as numbers has 4 to 17 digits; the rest need not be looked up.
    if !(4..=20).contains(&digits.len()) {
        return None;
    }
    let region = Id::from_str(country).ok();
    lookup(digits, region).or_else(|| international(digits).and_then(|dialled| lookup(&dialled, None)))
}

/// A number with its country code but without trunk zero (`+49 0711 …`), or with `00` for the plus.
fn international(digits: &str) -> Option<String> {
    let number = digits.strip_prefix('+').or_else(|| digits.strip_prefix("00"))?.trim_start_matches('0');
    for length in 1..=3 {
        let code = number.get(..length)?.parse().ok()?;
        if phonenumber::metadata::DATABASE.by_code(&code).is_some() {
            return Some(format!("+{code}{}", number[length..].trim_start_matches('0')));
        }
    }
    None
}

fn lookup(digits: &str, region: Option<Id>) -> Option<String> {
    if region.is_none() && !digits.starts_with('+') {
        return None;
    }
    let number = phonenumber::parse(region, digits).ok()?;
    number.is_valid().then(|| number.format().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_the_real_world_become_e164() {
        for (typed, country, key) in [
            ("+55 (12) 3923-5555", "BR", "+551239235555"),
            ("+49 0711 2842222", "DE", "+497112842222"),
            ("+49 0711 2842222", "DZ", "+497112842222"),
            ("+49 (0)711 2842222", "", "+497112842222"),
            ("0049 711 2842222", "FR", "+497112842222"),
            ("+32 02 219 03 03", "BE", "+3222190303"),
            ("+39 06 39733434", "IT", "+390639733434"),
            ("06 39733434", "IT", "+390639733434"),
            ("030-0074321", "DE", "+49300074321"),
            ("0550 12 34 56", "DZ", "+213550123456"),
            ("021 23 45 67", "DZ", "+21321234567"),
            ("(171) 555-7788", "", "1715557788"),
            ("01.42.34.22.66", "FR", "+33142342266"),
            ("tel:+1-650-253-0000", "DE", "+16502530000"),
            ("(650) 253-0000 ext. 12", "US", "+16502530000"),
            ("650-253-0000 x12", "US", "+16502530000"),
            ("+٢١٣ ٥٥٠ ١٢ ٣٤ ٥٦", "", "+213550123456"),
            ("＋４９ ７１１ ２８４２２２２", "", "+497112842222"),
            ("011 44 20 7707 0707", "US", "+442077070707"),
            ("+44 020 7707 0707", "GB", "+442077070707"),
        ] {
            let contact = parse(typed, country);
            assert_eq!(contact.key, key, "{typed} in {country:?}");
            assert_eq!(contact.valid, key.starts_with('+'), "{typed} in {country:?}");
        }
    }

    #[test]
    fn odd_numbers_are_kept_and_marked() {
        for (typed, key) in [
            ("+453 3331 9991", "+45333319991"),
            ("12", "12"),
            ("1-800-FLOWERS", "1-800-flowers"),
            ("see notes", "see notes"),
            ("+", "+"),
            ("0612345678 / 0712345678", "06123456780712345678"),
            ("+999 12345678", "+99912345678"),
            ("00", "00"),
            ("0000000000", "0000000000"),
            ("+0000", "+0000"),
            ("++49 711 2842222", "++49 711 2842222"),
            ("99999999999999999999999999", "99999999999999999999999999"),
        ] {
            assert_eq!(parse(typed, "DK"), Contact { typed: typed.into(), key: key.into(), valid: false });
        }
    }
}
