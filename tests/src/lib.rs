//! What the tests stand on: the real application, served on a port from a folder (and database) of its own, and those who talk to it.

mod answer;
mod app;
mod bucket;
mod catalog;
mod client;
mod database;
mod here;
mod mail_server;
mod mailbox;
mod program;
mod proxy;
mod records;
mod scan;
mod server;
mod socket;
mod template;
mod tenant;
mod until;
pub mod workspace;

pub use answer::Answer;
pub use app::TestApp;
pub use bucket::{Bucket, Fault};
pub use client::Client;
pub use mail_server::{MailServer, PASSWORD as MAIL_PASSWORD, Received};
pub use mailbox::{Email, Mailbox};
pub use program::{Program, Ran};
pub use proxy::Proxy;
pub use scan::Scan;
pub use server::Server;
pub use socket::Socket;
pub use tenant::Tenant;
pub use until::until;

/// The PostgreSQL server in whose databases the tests of this run keep their tenants, if they do.
pub fn postgres() -> Option<String> {
    database::server()
}
