//! How large a value may be, and how texts of each type are cleaned, for every endpoint.

use tenants::error::Issue;

use super::Value;
use crate::fold::fold_v1;

/// Most characters of a single-line text.
pub const TEXT: usize = 1_000;
/// Most characters of a multi-line text.
pub const LONG_TEXT: usize = 100_000;
/// Most words of a tags field, and most characters of a word.
pub const TAGS: usize = 100;
/// Most bytes of a JSON value, as written.
pub const JSON: usize = 64 * 1024;
/// Most characters of a URL.
pub const URL: usize = 2_000;
/// Most characters of a phone number as typed.
pub const PHONE: usize = 100;
/// Most targets of a many-to-many link that one value names. A record may have more: they are added bit by bit.
pub const LINKS: usize = 500;

/// A single line, trimmed; line breaks and tabs become blanks, and only blanks mean no value.
pub(crate) fn line(text: &str) -> Result<Value, Issue> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    fits(text, TEXT)?;
    let broken = |c: char| matches!(c, '\n' | '\r' | '\t' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}');
    let line = if text.contains(broken) {
        text.split(broken).map(str::trim).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ")
    } else {
        text.to_owned()
    };
    Ok(Value::Text(line))
}

/// Several lines, unchanged; only blanks mean no value.
pub(crate) fn lines(text: &str) -> Result<Value, Issue> {
    if text.trim().is_empty() {
        return Ok(Value::Null);
    }
    fits(text, LONG_TEXT)?;
    Ok(Value::Text(text.to_owned()))
}

/// Refuses what is too long, and the one character that PostgreSQL cannot store.
pub(crate) fn fits(text: &str, most: usize) -> Result<(), Issue> {
    if text.len() > most && text.chars().count() > most {
        return Err(Issue::TooLong(most.to_string()));
    }
    if text.contains('\0') {
        return Err(Issue::WrongType("text without NUL characters".into()));
    }
    Ok(())
}

/// Words, trimmed, each once in any spelling; an empty list means no value.
pub(crate) fn tags<'a>(words: impl Iterator<Item = &'a str>) -> Result<Value, Issue> {
    let mut kept: Vec<String> = Vec::new();
    let mut folds: Vec<String> = Vec::new();
    for word in words {
        let Value::Text(word) = line(word)? else { continue };
        fits(&word, TAGS)?;
        let fold = fold_v1(&word);
        if folds.contains(&fold) {
            continue;
        }
        if kept.len() == TAGS {
            return Err(Issue::TooLarge(TAGS.to_string()));
        }
        folds.push(fold);
        kept.push(word);
    }
    Ok(if kept.is_empty() { Value::Null } else { Value::List(kept) })
}

/// An http or https address, stored as typed.
pub(crate) fn url(text: &str) -> Result<Value, Issue> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(Value::Null);
    }
    fits(text, URL)?;
    let good = url::Url::parse(text).is_ok_and(|url| {
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty())
    }) && !text.contains(char::is_whitespace);
    if good {
        Ok(Value::Text(text.to_owned()))
    } else {
        Err(Issue::WrongType("an address like https://example.com".into()))
    }
}
