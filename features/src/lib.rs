//! No code. Cargo compiles a crate anew for each set of features that is asked of it, and with it all that stands on it. The
//! crates of ours that stand on this one ask for the same in part (`cargo test -p crm`) as in whole, and nothing that others
//! wrote is compiled twice. Where `cargo test -p crm` after `make test` compiles more than `crm`, a feature is missing here.
