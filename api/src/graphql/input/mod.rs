//! Input by the specification: variables, literals and arguments become JSON that fits its declared type, with
//! defaults filled in. A key that is absent was not given; a key that is null was given as null.

mod check;
mod literal;
mod value;
mod variables;

pub use check::Checker;
pub use literal::arguments;
pub use variables::{Variable, coerce_variables, declare};

/// The variables of a request, coerced; absent keys were not given and have no default.
pub type Variables = serde_json::Map<String, serde_json::Value>;
