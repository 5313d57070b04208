//! What a change of the catalog leaves to the workers.

use std::time::Duration;

use entities::ids::{ConstraintId, FieldId};
use serde::{Deserialize, Serialize};
use tenants::work::{Job, Queue};

/// Building an index over a large table may take long.
const TIMEOUT: Duration = Duration::from_secs(3_600);

/// What is to be built in the background. It has no key: while one is built, it may be changed again, and that needs
/// another job.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Build {
    /// Values and indexes of a new or changed field; a worker calls [`super::build_step`].
    Field(FieldId),
    /// The index of a constraint, by its name; a worker calls [`super::build_constraint_step`].
    Constraint(ConstraintId, String),
}

impl Job for Build {
    const QUEUE: Queue = Queue { timeout: TIMEOUT, per_node: 2, ..Queue::long("catalog.build") };

    fn subject(&self) -> String {
        match self {
            Self::Field(id) => format!("field {id}"),
            Self::Constraint(id, _) => format!("constraint {id}"),
        }
    }
}

/// Columns and tables that were deleted long ago; a worker calls [`super::drop_retired`].
#[derive(Debug, Serialize, Deserialize)]
pub struct DropRetired {}

impl Job for DropRetired {
    const QUEUE: Queue = Queue { timeout: TIMEOUT, per_node: 1, ..Queue::long("catalog.drop") };
}
