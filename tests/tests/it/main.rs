//! All integration tests in one binary: they link the product once, not once each.

mod accounts;
mod arrows;
mod attacks;
mod dependencies;
mod encryption;
mod error_page;
mod operations;
mod protocol;
mod resilience;
mod sizes;
