//! Emails to people: their texts in every language we speak, and the way they go out, over SMTP or, where none is
//! configured, as files that an operator can read.

mod draft;
mod outbox;
mod smtp;
pub mod texts;

pub use draft::{Draft, Language};
pub use outbox::{Address, Outbox, Sending};
pub use smtp::Smtp;
