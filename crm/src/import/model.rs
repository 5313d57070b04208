//! The options, progress and result of an import.

use entities::ids::{FieldId, ObjectId, RunId};
use records::engine::{OnDuplicate, runs::RunStatus};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    format::{Format, FormatChoice},
    mapping::{MappedColumn, Mapping},
    rows::Place,
};

/// The options of the caller.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Options {
    /// API name of the object to import into.
    pub object: String,
    /// How the file is read, if it must not be detected.
    pub format: FormatChoice,
    /// `Header=field`, instead of what the headers suggest.
    pub map: Vec<String>,
    /// Do everything but write.
    pub dry_run: bool,
    /// What to do with a row that matches a record: `skip`, `update` or `create`.
    pub on_duplicate: Duplicates,
    /// Names of the fields that match a row to a record, in order. By default: the external id, then the unique fields.
    pub match_on: Vec<String>,
}

/// What to do with a row that matches a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// Leave the record as it is.
    #[default]
    Skip,
    /// Write the row's values into the record; empty cells change nothing.
    Update,
    /// Create another record.
    Create,
}

impl From<Duplicates> for OnDuplicate {
    fn from(duplicates: Duplicates) -> Self {
        match duplicates {
            Duplicates::Skip => OnDuplicate::Skip,
            Duplicates::Update => OnDuplicate::Update,
            Duplicates::Create => OnDuplicate::Create,
        }
    }
}

impl std::str::FromStr for Duplicates {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "skip" => Ok(Self::Skip),
            "update" => Ok(Self::Update),
            "create" => Ok(Self::Create),
            _ => Err(format!("`{text}` is not one of skip, update, create")),
        }
    }
}

/// What was decided before the first row: the parameters of the run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plan {
    pub(super) object: ObjectId,
    pub(super) format: Format,
    pub(super) mapping: Mapping,
    /// Cells before the first column of the mapping.
    #[serde(default)]
    pub(super) skip: usize,
    pub(super) match_on: Vec<FieldId>,
    pub(super) on_duplicate: Duplicates,
    pub(super) dry_run: bool,
    /// Language of the errors file.
    pub(super) language: String,
}

/// The progress of a run; it commits with the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Progress {
    pub(super) place: Option<Place>,
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// The last part of the errors file.
    pub(super) errors: Option<Uuid>,
    pub(super) notices: Vec<Oddity>,
}

/// The results of the rows so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Rows read, without blank ones.
    pub rows: u64,
    /// New records.
    pub created: u64,
    /// Records that a row changed.
    pub updated: u64,
    /// Records that already had all values of the row.
    pub unchanged: u64,
    /// Rows skipped because their record exists.
    pub skipped: u64,
    /// Rows in the errors file.
    pub failed: u64,
    /// Cells that were accepted with a warning.
    pub warnings: u64,
}

/// A warning about a cell that was accepted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Oddity {
    /// Line of the file where the row begins.
    pub line: u64,
    /// Header of the column.
    pub column: String,
    /// The cell.
    pub value: String,
    /// The warning, for programs.
    pub code: String,
    /// The warning, for people.
    pub reason: String,
}

/// The result of an import, final or so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The run: to continue, cancel or undo it.
    pub run_id: RunId,
    /// Its status.
    #[serde(serialize_with = "name")]
    pub status: RunStatus,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Nothing is written.
    pub dry_run: bool,
    #[serde(flatten)]
    pub counts: Counts,
    /// Rows were refused, and their file still exists: [`super::errors`] reads it. Endpoints say where to get it.
    #[serde(skip)]
    pub has_errors_file: bool,
    /// The first hundred warnings.
    pub notices: Vec<Oddity>,
    /// Columns and the fields that they fill.
    pub mapping: Vec<MappedColumn>,
    /// Headers of ignored columns.
    pub ignored: Vec<String>,
    /// How the file is read.
    pub format: Format,
}

fn name<S: serde::Serializer>(status: &RunStatus, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(status.name())
}
