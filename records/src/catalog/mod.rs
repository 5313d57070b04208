//! The objects and fields of an organisation, and how admins change them.
//!
//! A catalog is read as an immutable snapshot ([`current`], [`reload`]). Operations change it: each is one transaction
//! that changes tables and rows of the catalog together and raises its version.

mod build;
mod builder;
mod cache;
mod check;
mod checks;
mod conditions;
mod constraints;
mod conversion;
mod create;
pub mod ddl;
mod edit;
mod fill;
mod jobs;
mod lookup;
mod model;
mod names;
mod ops;
mod patch;
mod provision;
mod rates;
mod relations;
mod remove;
mod reserved;
mod rollups;
pub mod spec;
mod store;
mod system;

pub use builder::{Progress, build_step};
pub use cache::{cache_bytes, current, forget, reload};
pub use check::{WrongTotals, check_rollups};
pub use constraints::{CONSTRAINTS, build_constraint_step};
pub use create::{CUSTOM_OBJECTS, FIELDS, ROLLUPS};
pub use jobs::{Build, DropRetired};
pub use model::*;
pub use ops::{
    create_constraint, create_field, create_object, create_section, delete_constraint, delete_field, delete_object,
    delete_section, reorder_fields, update_field, update_object, update_section,
};
pub use patch::{FieldPatch, ObjectPatch, SectionPatch};
pub use provision::provision;
pub use rates::{exchange_rates, remove_exchange_rate, set_exchange_rate};
pub use remove::{Impact, drop_retired};
pub use reserved::is_reserved;
pub(crate) use rollups::source;
pub use rollups::{ROLLUP_LEVELS, result_kind, rollup_level};

#[cfg(test)]
mod tests;
