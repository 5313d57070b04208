//! Options of standard select fields.

use records::catalog::{Choice, Labels};

/// An active option.
pub(crate) fn choice(value: &str, label: Labels) -> Choice {
    Choice { value: value.to_owned(), label, retired: false }
}
