//! Options of select fields: by key through the API, by key or any label in files.

use tenants::error::Issue;

use super::Value;
use crate::{catalog::Choice, fold::fold_v1};

/// Most options that an error lists.
const LISTED: usize = 50;

/// The option with a key.
pub(crate) fn by_key<'a>(options: &'a [Choice], key: &str) -> Result<&'a Choice, Issue> {
    options.iter().find(|choice| choice.value == key).ok_or_else(|| not_an_option(options))
}

/// The option with a key or a label in any language, ignoring case and accents. Keys come first, and active options
/// before retired ones.
pub(crate) fn by_text<'a>(options: &'a [Choice], text: &str) -> Result<&'a Choice, Issue> {
    let text = text.trim();
    if let Ok(choice) = by_key(options, text) {
        return Ok(choice);
    }
    let wanted = fold_v1(text);
    let is_key = |choice: &&Choice| fold_v1(&choice.value) == wanted;
    let is_label = |choice: &&Choice| choice.label.values().any(|label| fold_v1(label) == wanted);
    let offered = || options.iter().filter(|choice| !choice.retired);
    offered()
        .find(is_key)
        .or_else(|| offered().find(is_label))
        .or_else(|| options.iter().find(|choice| is_key(choice) || is_label(choice)))
        .ok_or_else(|| not_an_option(options))
}

/// Several options as a value: each once, in the order of the options.
pub(crate) fn several(options: &[Choice], chosen: &[&Choice]) -> Value {
    let keys: Vec<String> = options
        .iter()
        .filter(|option| chosen.iter().any(|choice| choice.value == option.value))
        .map(|option| option.value.clone())
        .collect();
    if keys.is_empty() { Value::Null } else { Value::List(keys) }
}

/// The error that lists the active options.
pub(crate) fn not_an_option(options: &[Choice]) -> Issue {
    let offered = || options.iter().filter(|choice| !choice.retired).map(|choice| choice.value.as_str());
    let mut list = offered().take(LISTED).collect::<Vec<_>>().join(", ");
    if offered().count() > LISTED {
        list.push_str(", …");
    }
    Issue::NotAnOption(list)
}
