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

use crate::{bench::Bench, report::Report};

type Measure = for<'a> fn(&'a Bench, &'a mut Report) -> BoxFuture<'a, ()>;

/// All measures with their names.
pub fn all() -> Vec<(&'static str, Measure)> {
    vec![
        ("start", |bench, report| Box::pin(start::measure(bench, report))),
        ("attacks", |bench, report| Box::pin(attacks::measure(bench, report))),
        ("page", |bench, report| Box::pin(page::measure(bench, report))),
        ("access", |bench, report| Box::pin(access::measure(bench, report))),
        ("write", |bench, report| Box::pin(write::measure(bench, report))),
        ("import", |bench, report| Box::pin(import::measure(bench, report))),
        ("lines", |bench, report| Box::pin(lines::measure(bench, report))),
        ("count", |bench, report| Box::pin(count::measure(bench, report))),
        ("field", |bench, report| Box::pin(field::measure(bench, report))),
        ("sockets", |bench, report| Box::pin(sockets::measure(bench, report))),
        ("cold", |bench, report| Box::pin(cold::measure(bench, report))),
    ]
}
