//! All integration tests in one binary: they link the product once, not once each.

mod access;
mod accounts;
mod arrows;
mod attacks;
mod bad_input;
mod catalog;
mod conditions;
mod crash;
mod dependencies;
mod doors;
mod encryption;
mod error_page;
mod imports;
mod isolation;
mod keys;
mod operations;
mod own_account;
mod parity;
mod protocol;
mod resilience;
mod retyping;
mod sdl;
mod sealed;
mod sizes;
mod transport;
mod world;
