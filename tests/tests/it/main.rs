//! All integration tests in one binary: they link the product once, not once each.

mod accounts;
mod arrows;
mod dependencies;
mod error_page;
mod operations;
mod sizes;
