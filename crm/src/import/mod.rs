//! Brings tables of customers (and of any object) in from files: every row ends as a record, or in the errors file
//! with its line, its column and the reason.

mod binary;
mod cells;
mod complaint;
mod encoding;
mod errors_file;
mod format;
mod links;
mod mapping;
mod rows;
mod synonyms;
mod text;

pub use format::{Format, FormatChoice};
pub use mapping::{Column, Mapping, suggest, with_choices};
