//! All addresses and numbers of a customer; `email` and `phone` of the customer are the primary ones.

mod follow;
mod model;
pub(crate) mod rules;
mod store;

pub(crate) use follow::{customers_to_points, points_to_customers};
pub use model::object;
