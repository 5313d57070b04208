//! The only way to records: reads by [`ListQuery`], writes by [`Mutation`].

mod aggregate;
mod buckets;
mod bulk;
pub(crate) mod cells;
mod children;
pub(crate) mod columns;
mod commit;
mod cursor;
mod decode;
mod diffs;
mod dry_run;
mod feed;
mod history;
pub mod idempotency;
pub mod iterate;
mod linked;
mod list;
mod mutation;
mod order;
mod query;
mod read;
mod rollups;
mod rows;
pub mod runs;
#[cfg(test)]
mod tests;
mod write;

pub use aggregate::{MAX_GROUPS, aggregate};
pub use bulk::{
    BatchMode, BatchRow, MAX_BATCH, OnDuplicate, PreparedBatch, Progress, RowOutcome, RowResult, prepare_batch,
    refresh_statistics, write_batch,
};
pub use children::children;
pub use commit::TellConsumers;
pub(crate) use commit::{note_members, note_rebuilt};
pub use diffs::{Diff, Diffs, Place, ValueChange, diffs};
pub(crate) use dry_run::DRAFT as DRAFTS;
pub use dry_run::{forget_dry_run, forget_dry_runs};
pub use feed::{ChangesPage, FeedChange, MAX_CHANGES, changes, last_seq};
pub use history::{FieldChange, HistoryEntry, HistoryPage, history, retention};
pub(crate) use idempotency::PURPOSE as ANSWERS;
pub use linked::linked;
pub use list::{MAX_PAGE, among, by_ids, list};
pub use mutation::*;
pub use order::sortable;
pub use query::*;
pub use read::verify;
pub(crate) use runs::GUARDED as RUNS;
pub use runs::{BulkResult, archive_where, undo, update_where};
pub use write::{MAX_LIST, WriteTransaction, apply, archive, create, destroy, restore, take_numbers, update};
