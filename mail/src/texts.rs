//! What every email says, in every language: a function for each.

mod accounts;
mod members;

pub use accounts::*;
pub use members::*;
