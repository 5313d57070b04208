//! All email addresses and phone numbers of a customer; its fields `email` and `phone` show the primary ones.

mod follow;
mod model;
pub(crate) mod rules;
mod store;

pub(crate) use follow::customers_to_points;

use crate::StandardObject;

/// The standard object `contactPoint`.
pub const OBJECT: StandardObject = StandardObject {
    name: "contactPoint",
    declaration: model::object,
    rules: Some(|| std::sync::Arc::new(rules::ContactPointRules)),
    operations: None,
};
