//! All integration tests in one binary: they link the product once, not once each.

mod arrows;
mod dependencies;
mod error_page;
mod sizes;
