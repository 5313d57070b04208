//! Names that people choose for themselves and for organisations: one line of visible characters. They stand in emails
//! and beside other names, where a line break or a change of writing direction could fake the text that follows.

use crate::error::Issue;

/// Characters of the categories Cf, Zl and Zp (Unicode 16), except the two joiners U+200C and U+200D, which Persian and
/// Indian names need.
const UNSEEN: &[(char, char)] = &[
    ('\u{ad}', '\u{ad}'),
    ('\u{600}', '\u{605}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{6dd}', '\u{6dd}'),
    ('\u{70f}', '\u{70f}'),
    ('\u{890}', '\u{891}'),
    ('\u{8e2}', '\u{8e2}'),
    ('\u{180e}', '\u{180e}'),
    ('\u{200b}', '\u{200b}'),
    ('\u{200e}', '\u{200f}'),
    ('\u{2028}', '\u{202e}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{2066}', '\u{206f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{fff9}', '\u{fffb}'),
    ('\u{110bd}', '\u{110bd}'),
    ('\u{110cd}', '\u{110cd}'),
    ('\u{13430}', '\u{1343f}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0001}', '\u{e0001}'),
    ('\u{e0020}', '\u{e007f}'),
];

/// What is wrong with a name of at most so many characters.
pub(crate) fn name_issue(name: &str, most: usize) -> Option<Issue> {
    if name.chars().count() > most {
        return Some(Issue::TooLong(most.to_string()));
    }
    let unseen = |c: char| c.is_control() || UNSEEN.iter().any(|(first, last)| (*first..=*last).contains(&c));
    let blank = |c: char| c.is_whitespace() || matches!(c, '\u{200c}' | '\u{200d}');
    let good = !name.chars().any(unseen) && !name.chars().all(blank);
    (!good).then(|| Issue::WrongType("a name on one line, without invisible characters".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_one_line_that_shows_what_it_is() {
        for good in ["Ada", "Élodie d'Arc-Müller", "محمد", "علی\u{200c}رضا", "李", "Ada  L."] {
            assert_eq!(name_issue(good, 100), None, "{good}");
        }
        for wrong in [
            "",
            " \t",
            "\u{a0}",
            "\u{200d}",
            "A\nB",
            "A\u{202e}B",
            "A\u{2028}B",
            "A\u{85}",
            "\u{200b}A",
            "A\u{feff}",
            "A\u{2066}",
        ] {
            assert!(name_issue(wrong, 100).is_some(), "{wrong:?}");
        }
        assert_eq!(name_issue("abc", 2), Some(Issue::TooLong("2".to_owned())));
    }
}
