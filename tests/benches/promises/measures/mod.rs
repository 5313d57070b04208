//! The measures, in the order in which they run.

mod access;
mod attacks;
mod cold;
mod count;
mod field;
mod import;
mod lines;
mod page;
mod sockets;
mod start;
mod write;

use futures::future::BoxFuture;

use crate::{report::Report, stand::Stand};

type Measure = for<'a> fn(&'a Stand, &'a mut Report) -> BoxFuture<'a, ()>;

/// All measures with their names.
pub fn all() -> Vec<(&'static str, Measure)> {
    vec![
        ("start", |stand, report| Box::pin(start::measure(stand, report))),
        ("attacks", |stand, report| Box::pin(attacks::measure(stand, report))),
        ("page", |stand, report| Box::pin(page::measure(stand, report))),
        ("access", |stand, report| Box::pin(access::measure(stand, report))),
        ("write", |stand, report| Box::pin(write::measure(stand, report))),
        ("import", |stand, report| Box::pin(import::measure(stand, report))),
        ("lines", |stand, report| Box::pin(lines::measure(stand, report))),
        ("count", |stand, report| Box::pin(count::measure(stand, report))),
        ("field", |stand, report| Box::pin(field::measure(stand, report))),
        ("sockets", |stand, report| Box::pin(sockets::measure(stand, report))),
        ("cold", |stand, report| Box::pin(cold::measure(stand, report))),
    ]
}
