//! The people and companies that an organisation knows: the centre that everything else hangs on.

mod model;
pub(crate) mod rules;

pub use model::object;
