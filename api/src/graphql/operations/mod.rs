//! Operations that are no plain access to records, by the table of [`records::operations`]: here are those of the
//! organisation itself, and the list of all.

mod access;
mod catalog;
mod imports;
mod invitations;
mod jobs;
mod keys;
mod rates;
mod runs;
mod security;
mod sign_on;
mod table;
mod viewer;

pub use jobs::failed_job_to_json;
use records::operations::Module;

pub use table::{Table, mentioned, mentioned_by};

/// Every operation of the product: those of the organisation itself, and those that the standard objects bring along.
pub fn modules() -> Vec<Module> {
    let own = [
        access::module(),
        viewer::module(),
        catalog::module(),
        rates::module(),
        runs::module(),
        imports::module(),
        keys::module(),
        security::module(),
        sign_on::module(),
        invitations::module(),
        jobs::module(),
    ];
    own.into_iter().chain(crm::operations()).collect()
}

/// The arguments that stand in the path of a route.
pub fn placeholders(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter_map(|part| part.strip_prefix('{')?.strip_suffix('}'))
}
