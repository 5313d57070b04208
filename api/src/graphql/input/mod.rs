//! Input according to the specification: variables, literals and arguments become JSON that fits its declared type,
//! with defaults filled in. A missing key was not given; a null key was given as null.

mod check;
mod literal;
mod value;
mod variables;

pub use check::Checker;
pub use literal::arguments;
pub use variables::{Variable, coerce_variables, declare};

/// The variables of a request, coerced; a missing key was not given and has no default.
pub type Variables = serde_json::Map<String, serde_json::Value>;
