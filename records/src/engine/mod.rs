//! The one way to records: reads by [`ListQuery`], writes by [`Mutation`].

mod mutation;
mod query;

pub use mutation::*;
pub use query::*;
