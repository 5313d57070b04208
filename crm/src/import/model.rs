//! What an import is asked for, how far it is, and what came of it.

use entities::ids::{FieldId, ObjectId, RunId};
use records::engine::{OnDuplicate, runs::RunStatus};
use serde::{Deserialize, Serialize};

use super::{
    format::{Format, FormatChoice},
    mapping::{MappedColumn, Mapping},
    rows::Place,
};

/// What the caller wants of a file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Options {
    /// API name of the object whose records the rows are.
    pub object: String,
    /// How the file is written, where it is not to be detected.
    pub format: FormatChoice,
    /// `Header=field`, in place of what the headers suggest.
    pub map: Vec<String>,
    /// Do everything but write.
    pub dry_run: bool,
    /// What to do with a row that answers to a record: `skip`, `update` or `create`.
    pub on_duplicate: Duplicates,
    /// Names of the fields by which a row answers to a record, in order. Without them: the external id, then the
    /// unique fields.
    pub match_on: Vec<String>,
}

/// What to do with a row that answers to a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Duplicates {
    /// Leave the record as it is.
    #[default]
    Skip,
    /// Write the row's values into the record; empty cells change nothing.
    Update,
    /// Make another record.
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
            _ => Err(format!("`{text}` is none of skip, update, create")),
        }
    }
}

/// What was decided before the first row: the run's parameters.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Plan {
    pub(super) object: ObjectId,
    pub(super) format: Format,
    pub(super) mapping: Mapping,
    /// Cells in front of the first column of the mapping.
    #[serde(default)]
    pub(super) skip: usize,
    pub(super) match_on: Vec<FieldId>,
    pub(super) on_duplicate: Duplicates,
    pub(super) dry_run: bool,
    /// Language of the errors file.
    pub(super) language: String,
}

/// How far a run is; commits with the rows.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct Progress {
    pub(super) place: Option<Place>,
    #[serde(flatten)]
    pub(super) counts: Counts,
    /// Bytes of the errors file that belong to committed rows.
    pub(super) errors_length: u64,
    pub(super) notices: Vec<Oddity>,
}

/// What became of the rows so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Counts {
    /// Rows read, blank ones apart.
    pub rows: u64,
    /// New records.
    pub created: u64,
    /// Records that a row changed.
    pub updated: u64,
    /// Records that already held all of the row's values.
    pub unchanged: u64,
    /// Rows left out because their record exists.
    pub skipped: u64,
    /// Rows in the errors file.
    pub failed: u64,
    /// Cells that were taken though they are odd.
    pub warnings: u64,
}

/// Something odd that was taken all the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Oddity {
    /// Line of the file where the row begins.
    pub line: u64,
    /// Header of the column.
    pub column: String,
    /// The cell.
    pub value: String,
    /// What is odd, for programs.
    pub code: String,
    /// What is odd, for people.
    pub reason: String,
}

/// What came of an import, or has come of it so far.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// The run, by which it is continued, cancelled and undone.
    pub run_id: RunId,
    /// Where it is.
    #[serde(serialize_with = "name")]
    pub status: RunStatus,
    /// Why it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Nothing was written.
    pub dry_run: bool,
    #[serde(flatten)]
    pub counts: Counts,
    /// Rows were refused, and the file of them is still kept: [`super::errors`] reads it. Endpoints say where it is to be had.
    #[serde(skip)]
    pub has_errors_file: bool,
    /// The first hundred oddities.
    pub notices: Vec<Oddity>,
    /// Columns and the fields they fill.
    pub mapping: Vec<MappedColumn>,
    /// Headers of columns that fill nothing.
    pub ignored: Vec<String>,
    /// How the file was read.
    pub format: Format,
}

fn name<S: serde::Serializer>(status: &RunStatus, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(status.name())
}
