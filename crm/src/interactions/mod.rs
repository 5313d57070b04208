//! Interactions with a customer: notes, calls, meetings, messages.

mod model;
pub(crate) mod rules;

use crate::StandardObject;

/// The standard object `interaction`.
pub const OBJECT: StandardObject = StandardObject {
    name: "interaction",
    declaration: model::object,
    rules: Some(|| std::sync::Arc::new(rules::InteractionRules)),
    operations: None,
};
