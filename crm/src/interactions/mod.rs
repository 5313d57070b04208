//! What happened with a customer: notes, calls, meetings, messages.

mod model;
pub(crate) mod rules;

pub use model::object;
