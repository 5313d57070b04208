//! What the caller's role means for records: the row scope of each operation, and which fields can be seen and written.
//! The engine checks it on every read and write, so no endpoint can forget it (design §2.6).

mod explain;
mod fields;
mod new;
mod rows;

pub use explain::{Explanation, FieldExplanation, OperationExplanation, explain};
pub(crate) use fields::{access_on, see_ends, sees, writes};
pub use fields::{effective_access, field_access, see, see_all};
pub(crate) use new::NewRecords;
pub use rows::permit;
pub(crate) use rows::{left, refusals, rows, scope, visible};
