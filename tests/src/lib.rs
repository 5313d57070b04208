//! What the tests stand on: the workspace as Cargo sees it.

pub mod workspace;
