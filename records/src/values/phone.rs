//! Phone numbers: stored as typed, compared as E.164 if the number can exist in its country.

use std::sync::{Arc, LazyLock};

use phonenumber::{Metadata, Type, metadata::DATABASE};
use quick_cache::sync::Cache;
use regex::{Regex, RegexBuilder};
use unicode_normalization::UnicodeNormalization;

use super::Contact;

/// Parses a number as somebody in a country (ISO 3166, `""` if unknown) would dial it. Never refuses: a number that
/// cannot exist is marked as not valid, and its key is its digits.
pub fn parse(text: &str, country: &str) -> Contact {
    let typed = text.trim();
    let digits = dialled(typed);
    let existing = digits.as_deref().and_then(|digits| e164(digits, country));
    let valid = existing.is_some();
    let key = existing.or(digits).unwrap_or_else(|| crate::fold::fold_v1(typed));
    Contact { typed: typed.to_owned(), key, valid }
}

/// The digits of a number with its leading plus; `None` if it contains anything but digits and punctuation. An
/// extension is left out, and so is the `(0)` that must not be dialled from abroad.
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

/// Digits of the scripts that are used for phone numbers.
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

/// The number in E.164, if its country can have such a number.
fn e164(digits: &str, country: &str) -> Option<String> {
    // no country has shorter or longer numbers, including prefixes
    if !(4..=22).contains(&digits.len()) {
        return None;
    }
    let home = DATABASE.by_id(country).map(region);
    let abroad = match digits.strip_prefix('+') {
        // also `+00 49 …`, which is frequent in spreadsheets
        Some(number) => Some(number.trim_start_matches('0')),
        None => match &home {
            Some(home) => home.without_exit(digits),
            None => digits.strip_prefix("00"),
        },
    };
    if let Some(number) = abroad {
        return international(number);
    }
    let home = home?;
    home.national(digits)
        .or_else(|| home.national(digits.strip_prefix(home.code.as_str())?))
        .map(|national| format!("+{}{national}", home.code))
}

/// A number that starts with a country code.
fn international(number: &str) -> Option<String> {
    let (code, plans) = (1..=3).find_map(|length| {
        let code = number.get(..length)?;
        Some((code, DATABASE.by_code(&code.parse::<u16>().ok()?)?))
    })?;
    let rest = &number[code.len()..];
    // `+49 0711 …`: the trunk prefix is only for calls within the country, yet many people write it
    let found = |rest: &str| plans.iter().map(|plan| region(plan)).find_map(|plan| plan.dialled_from_abroad(rest));
    let national = found(rest).or_else(|| found(rest.strip_prefix('0')?))?;
    Some(format!("+{code}{national}"))
}

/// The number formats of a country. The library shares 100 compiled patterns between all countries under one lock, so
/// it compiles patterns again for every number of a mixed file; these are kept.
struct Region {
    code: String,
    /// The country is an area in the plan of a larger one, as Barbados is in that of the United States.
    area: bool,
    lengths: Vec<u16>,
    number: Option<Regex>,
    /// The national trunk prefix, and its replacement.
    trunk: Option<Regex>,
    transform: Option<String>,
    /// The prefix for international calls.
    exit: Option<Regex>,
}

fn region(plan: &Metadata) -> Arc<Region> {
    static REGIONS: LazyLock<Cache<(u16, String), Arc<Region>>> = LazyLock::new(|| Cache::new(400));
    let Ok(found) = REGIONS.get_or_insert_with(&(plan.country_code(), plan.id().to_owned()), || {
        Ok::<_, std::convert::Infallible>(Arc::new(Region::of(plan)))
    });
    found
}

/// The kinds of number whose lengths belong to a country: the plan as a whole gives none.
const KINDS: [Type; 10] = [
    Type::FixedLine,
    Type::Mobile,
    Type::TollFree,
    Type::PremiumRate,
    Type::SharedCost,
    Type::PersonalNumber,
    Type::Voip,
    Type::Pager,
    Type::Uan,
    Type::Voicemail,
];

impl Region {
    fn of(plan: &Metadata) -> Self {
        // only ASCII digits get here; without Unicode a pattern needs a tenth of the memory
        let pattern =
            |source: &str, end: &str| RegexBuilder::new(&format!("^(?x:{source}){end}")).unicode(false).build().ok();
        let general = plan.descriptors().general();
        Self {
            code: plan.country_code().to_string(),
            lengths: KINDS
                .iter()
                .filter_map(|kind| plan.descriptors().get(*kind))
                .flat_map(|kind| kind.possible_length())
                .copied()
                .collect(),
            number: pattern(general.national_number().as_str(), "$"),
            trunk: match plan.national_prefix_for_parsing() {
                Some(prefix) => pattern(prefix.as_str(), ""),
                None => plan.national_prefix().and_then(|prefix| pattern(prefix, "")),
            },
            transform: plan.national_prefix_transform_rule().map(str::to_owned),
            area: !plan.is_main_country_for_code()
                && DATABASE.by_code(&plan.country_code()).is_some_and(|plans| plans.len() > 1),
            exit: plan.international_prefix().and_then(|prefix| pattern(prefix.as_str(), "")),
        }
    }

    /// The number without the international prefix, if it has it.
    fn without_exit<'a>(&self, digits: &'a str) -> Option<&'a str> {
        let end = self.exit.as_ref()?.find(digits)?.end();
        // country codes do not start with 0: this is a trunk prefix that looks like an international one
        Some(&digits[end..]).filter(|rest| !rest.starts_with('0') && !rest.is_empty())
    }

    /// The national number without trunk prefix, if it can exist.
    fn national(&self, digits: &str) -> Option<String> {
        let bare = self.without_trunk(digits);
        match bare {
            Some(bare) if self.has(&bare) => Some(bare),
            _ => self.has(digits).then(|| digits.to_owned()),
        }
    }

    /// The same for a number after the country code. Otherwise areas would accept any short number.
    fn dialled_from_abroad(&self, digits: &str) -> Option<String> {
        if self.area { self.has(digits).then(|| digits.to_owned()) } else { self.national(digits) }
    }

    fn without_trunk(&self, digits: &str) -> Option<String> {
        let found = self.trunk.as_ref()?.captures(digits)?;
        let rest = &digits[found.get(0)?.end()..];
        match (&self.transform, found.iter().skip(1).last().flatten()) {
            (Some(transform), Some(_)) => {
                let mut number = String::with_capacity(digits.len());
                found.expand(transform, &mut number);
                number.push_str(rest);
                Some(number)
            }
            _ => Some(rest.to_owned()),
        }
    }

    fn has(&self, national: &str) -> bool {
        let length = u16::try_from(national.len()).unwrap_or(u16::MAX);
        self.lengths.contains(&length) && self.number.as_ref().is_some_and(|number| number.is_match(national))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::country::alpha2, *};

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

    /// Phone numbers of 24 countries from a real file; its two wrong ones exist in no country.
    #[test]
    fn the_phones_of_a_real_file_become_e164_but_for_two() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/data/chinook-customers.csv");
        let mut odd = Vec::new();
        let mut seen = 0;
        for row in csv::Reader::from_path(file).unwrap().records() {
            let row = row.unwrap();
            let (country, typed) = (&row[7], &row[9]);
            if typed.is_empty() {
                continue;
            }
            seen += 1;
            let contact = parse(typed, alpha2(country).unwrap());
            // the number contains its country code, so the organisation's country does not matter
            assert_eq!(parse(typed, "DZ"), contact, "{country}");
            if contact.valid {
                assert!(contact.key[1..].bytes().all(|b| b.is_ascii_digit()), "{contact:?}");
            } else {
                odd.push(contact.key);
            }
        }
        assert_eq!(seen, 58);
        assert_eq!(odd, ["+45333319991", "+5626354444"]);
    }

    #[test]
    fn every_plans_own_examples_are_known() {
        for plan in DATABASE.iter() {
            for kind in KINDS {
                let Some(example) = plan.descriptors().get(kind).and_then(|kind| kind.example()) else { continue };
                let key = format!("+{}{example}", plan.country_code());
                assert_eq!(parse(&key, "DZ").key, key, "{} {kind:?}", plan.id());
                assert_eq!(parse(example, plan.id()).key, key, "{} {kind:?}", plan.id());
            }
        }
    }

    proptest! {
        #[test]
        fn whatever_is_typed_keeps_a_key_that_reads_the_same(typed in "[-+0-9 ().x/#]{1,30}|\\PC{1,20}", country in "[A-Z]{2}") {
            let contact = parse(&typed, &country);
            if contact.valid {
                prop_assert_eq!(parse(&contact.key, &country), Contact { typed: contact.key.clone(), ..contact });
            }
        }
    }
}
