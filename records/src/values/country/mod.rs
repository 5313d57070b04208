//! Countries by code and name, so that a file that says `Algérie` gives the region of its phone numbers.

use std::{collections::HashMap, sync::LazyLock};

use crate::fold::fold_v1;

/// One country per line: ISO 3166 alpha-2 and alpha-3, then its names in English, French and Spanish, and other usual
/// names.
const NAMES: &str = include_str!("names.txt");

static BY_NAME: LazyLock<HashMap<String, &'static str>> = LazyLock::new(|| {
    let mut found = HashMap::new();
    for (code, rest) in NAMES.lines().filter_map(|line| line.split_once(' ')) {
        let (long, names) = rest.split_once(' ').unwrap_or((rest, ""));
        for name in [code, long].into_iter().chain(names.split(';')) {
            // a name that two countries share means the first one
            found.entry(comparable(name)).or_insert(code);
        }
    }
    found
});

/// The alpha-2 code of a country given as alpha-2, alpha-3 or name in English, French or Spanish, ignoring case and
/// accents; `None` if it is not a country.
pub fn alpha2(text: &str) -> Option<&'static str> {
    if text.len() > 100 {
        return None;
    }
    BY_NAME.get(&comparable(text)).copied()
}

fn comparable(name: &str) -> String {
    let folded = fold_v1(&name.replace('&', " and ").replace('-', " ")).replace('.', "");
    let name = folded.trim();
    name.strip_prefix("the ").unwrap_or(name).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_known_by_code_and_by_name() {
        for (text, code) in [
            ("dz", "DZ"),
            ("DZA", "DZ"),
            ("Algérie", "DZ"),
            ("ARGELIA", "DZ"),
            ("USA", "US"),
            ("U.S.A.", "US"),
            ("UK", "GB"),
            ("Czech Republic", "CZ"),
            ("Cote d’Ivoire", "CI"),
            ("états unis", "US"),
            ("The Netherlands", "NL"),
            ("Trinidad and Tobago", "TT"),
            ("Trinidad y Tobago", "TT"),
            ("Guinea Bissau", "GW"),
            (" Brasil ", "BR"),
        ] {
            assert_eq!(alpha2(text), Some(code), "{text}");
        }
        for text in ["", "Atlantis", "XX", "SP", "D"] {
            assert_eq!(alpha2(text), None, "{text}");
        }
    }

    #[test]
    fn every_code_finds_itself() {
        assert_eq!(NAMES.lines().count(), 249);
        for line in NAMES.lines() {
            assert_eq!(alpha2(&line[..2]), Some(&line[..2]));
            assert_eq!(alpha2(&line[3..6]), Some(&line[..2]), "{line}");
        }
    }
}
