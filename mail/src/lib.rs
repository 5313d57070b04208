//! Emails to people: their texts in all languages, and how they are sent: over SMTP or, if no server is configured, as
//! files that an operator can read.

mod draft;
mod outbox;
mod smtp;
pub mod texts;

pub use draft::{Draft, Language};
pub use outbox::{Address, Outbox, Sending};
pub use smtp::Smtp;
