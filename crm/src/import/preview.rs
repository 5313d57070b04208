//! Shows how an import would read a file before it starts: encoding, columns and fields, first rows.

use std::io::{Seek, SeekFrom};

use files::Reader;
use records::Ctx;
use serde::Serialize;
use tenants::error::Result;

use super::{
    encoding::unreadable,
    format::Format,
    mapping::MappedColumn,
    model::Options,
    plan::{self, Head},
};

/// Most rows shown.
const ROWS: usize = 10;
/// Rows are shown while they contain less text than this.
const BYTES: usize = 64 * 1024;

/// How an import would read a file.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Preview {
    /// How the file is read.
    pub format: Format,
    /// The names of the columns in the import, in order.
    pub headers: Vec<String>,
    /// Columns and the fields that they would fill.
    pub mapping: Vec<MappedColumn>,
    /// Headers of columns that would be ignored.
    pub ignored: Vec<String>,
    /// Headers of columns whose field the caller may not change; the import would refuse them.
    pub refused: Vec<String>,
    /// The first rows, at most ten.
    pub rows: Vec<PreviewRow>,
}

/// A row as in the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PreviewRow {
    /// Line of the file where it begins.
    pub line: u64,
    /// Its cells, in the order of the headers.
    pub cells: Vec<String>,
}

/// # Errors
/// As [`plan::plan`]; columns that fill nothing are not an error here.
pub(super) fn preview(ctx: &Ctx, mut file: Reader, options: &Options) -> Result<Preview> {
    let object = plan::importable_object(ctx, &options.object)?;
    let Head { format, mapping, skip } = plan::head(ctx, object, &mut file, options)?;
    file.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut rows = format.rows(file)?;
    if format.header {
        rows.next_row()?;
    }
    let (mut shown, mut bytes) = (Vec::new(), 0);
    while shown.len() < ROWS
        && let Some(row) = rows.next_row()?
    {
        bytes += row.size();
        if bytes > BYTES {
            break;
        }
        if !row.is_blank() {
            shown.push(PreviewRow { line: row.line, cells: row.cells().skip(skip).map(str::to_owned).collect() });
        }
    }
    Ok(Preview {
        headers: mapping.0.iter().map(|column| column.header.clone()).collect(),
        refused: plan::refused(ctx, &mapping).map(|(column, _)| column.header.clone()).collect(),
        ignored: mapping.ignored().map(str::to_owned).collect(),
        mapping: mapping.named(&ctx.catalog),
        format,
        rows: shown,
    })
}
