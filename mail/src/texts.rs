//! The texts of all emails, in every language: one function each.

mod accounts;
mod members;

pub use accounts::*;
pub use members::*;
