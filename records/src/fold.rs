//! How texts are compared: the fold that key columns, filters, uniqueness and cursors share.
//!
//! The fold is stored in every tenant, so it has a version and never changes; a better one would be `fold_v2` with its
//! own columns. It does not depend on a database's collation.

use unicode_normalization::UnicodeNormalization;

/// The comparable form of a text, version 1: compatibility decomposition, diacritics removed, case folded, letters
/// without decomposition spelled out (ß → ss, œ → oe, ł → l …), blanks squeezed and trimmed.
///
/// Marks that change the sound (vowel signs of Indic scripts, voicing of kana) are kept: without them different words
/// would be equal. Folding twice changes nothing.
pub fn fold_v1(text: &str) -> String {
    if text.is_ascii() { fold_ascii(text) } else { fold_unicode(text) }
}

fn fold_ascii(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    for byte in text.bytes() {
        if is_blank(byte as char) {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        out.push(byte.to_ascii_lowercase() as char);
    }
    out
}

fn fold_unicode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut gap = false;
    // lower, upper and lower again folds letters whose other case is another letter (ẞ, ß, ς, ı); whatever that
    // composes is decomposed again
    let folded = text.nfkd().flat_map(char::to_lowercase).flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let letters = folded.nfkd().filter(|c| !is_stripped(*c));
    for letter in letters {
        if is_blank(letter) {
            gap = true;
            continue;
        }
        if gap && !out.is_empty() {
            out.push(' ');
        }
        gap = false;
        match spelled(letter) {
            Some(spelling) => out.push_str(spelling),
            None => out.push(letter),
        }
    }
    out
}

fn is_blank(c: char) -> bool {
    c.is_whitespace()
}

/// Diacritics and invisible characters.
fn is_stripped(c: char) -> bool {
    matches!(c,
        // Combining diacritics.
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}'
        // Hebrew points, Arabic vowels and the letter stretcher.
        | '\u{591}'..='\u{5bd}' | '\u{5bf}' | '\u{5c1}' | '\u{5c2}' | '\u{5c4}' | '\u{5c5}' | '\u{5c7}'
        | '\u{610}'..='\u{61a}' | '\u{640}' | '\u{64b}'..='\u{65f}' | '\u{670}' | '\u{6d6}'..='\u{6dc}'
        | '\u{6df}'..='\u{6e4}' | '\u{6e7}' | '\u{6e8}' | '\u{6ea}'..='\u{6ed}'
        // Invisible: soft hyphen, joiners, direction marks, variation selectors, byte order mark, NUL.
        | '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}'
        | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{e0100}'..='\u{e01ef}')
}

/// Replacements for letters that do not decompose, and for the many quotes and hyphens that word processors insert.
fn spelled(c: char) -> Option<&'static str> {
    Some(match c {
        'œ' => "oe",
        'æ' => "ae",
        'ø' => "o",
        'ł' => "l",
        'đ' | 'ð' => "d",
        'þ' => "th",
        'ħ' => "h",
        'ŧ' => "t",
        'ŋ' => "n",
        'ĸ' => "k",
        'ƀ' => "b",
        'ɨ' => "i",
        '‘' | '’' | '‚' | '‛' | 'ʼ' | 'ʹ' | '′' => "'",
        '“' | '”' | '„' | '‟' | '«' | '»' | '″' => "\"",
        '‐' | '‑' | '‒' | '–' | '—' | '―' | '−' => "-",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn real_names_meet_their_plain_spelling() {
        for (text, plain) in [
            ("  Luís   Gonçalves ", "luis goncalves"),
            ("STRASSE", "strasse"),
            ("Straße", "strasse"),
            ("STRAẞE", "strasse"),
            ("Œuvre", "oeuvre"),
            ("Łódź", "lodz"),
            ("Søren Ærø", "soren aero"),
            ("Đorđe Þór Ðan", "dorde thor dan"),
            ("İstanbul ısı", "istanbul isi"),
            ("ＦＵＬＬ　ｗｉｄｔｈ", "full width"),
            ("O’Brien–Smith", "o'brien-smith"),
            ("ﬁn\u{a0}\u{202f}de", "fin de"),
            ("ΟΔΥΣΣΕΥΣ", "οδυσσευσ"),
            ("Οδυσσεύς", "οδυσσευσ"),
            ("Ёлка", "елка"),
            ("مُحَمَّد", "محمد"),
            ("أحمد", "احمد"),
            ("a\u{200b}b\u{feff}", "ab"),
            ("\t\r\n\u{b}", ""),
            ("", ""),
        ] {
            assert_eq!(fold_v1(text), plain, "{text:?}");
        }
    }

    #[test]
    fn sounds_are_not_marks() {
        assert_ne!(fold_v1("が"), fold_v1("か"));
        assert_ne!(fold_v1("कि"), fold_v1("की"));
    }

    #[test]
    fn every_character_folds_once_and_for_all() {
        for c in ('\0'..=char::MAX).filter(|c| !c.is_ascii()) {
            let text = c.to_string();
            let once = fold_v1(&text);
            assert_eq!(fold_v1(&once), once, "{c:?} U+{:X}", c as u32);
            assert_eq!(fold_v1(&text.to_uppercase()), once, "upper of {c:?} U+{:X}", c as u32);
            assert_eq!(fold_v1(&text.to_lowercase()), once, "lower of {c:?} U+{:X}", c as u32);
        }
    }

    proptest! {
        #[test]
        fn folding_twice_changes_nothing(text in "\\PC{0,40}") {
            let once = fold_v1(&text);
            prop_assert_eq!(fold_v1(&once), once);
        }

        #[test]
        fn case_and_composition_do_not_matter(text in "[a-zA-ZÀ-ÿĀ-žΑ-ωА-я' ]{0,40}") {
            let plain = fold_v1(&text);
            prop_assert_eq!(&fold_v1(&text.to_uppercase()), &plain);
            prop_assert_eq!(&fold_v1(&text.to_lowercase()), &plain);
            prop_assert_eq!(&fold_v1(&text.nfc().collect::<String>()), &plain);
            prop_assert_eq!(&fold_v1(&text.nfd().collect::<String>()), &plain);
        }

        #[test]
        fn the_fast_path_agrees(text in "[ -~\t\n\u{b}]{0,40}") {
            prop_assert_eq!(fold_ascii(&text), fold_unicode(&text));
        }
    }
}
