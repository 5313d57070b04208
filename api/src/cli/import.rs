//! `clientele import`, `clientele undo`: the same service as the upload, carried on by this process.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use clap::Args;
use crm::import::{self, Duplicates, FormatChoice, Options, Report, Upload};
use entities::ids::RunId;
use records::Ctx;
use serde_json::json;
use tenants::error::{Code, Error, Result};

use crate::app::App;

#[derive(Args)]
pub struct Import {
    /// The organisation's slug.
    #[arg(long)]
    tenant: String,
    /// Whose records the rows are.
    #[arg(long, default_value = "customer")]
    object: String,
    /// The file.
    #[arg(long)]
    file: PathBuf,
    /// A column and its field, in place of what the headers suggest; any number of times.
    #[arg(long, value_name = "HEADER=FIELD")]
    map: Vec<String>,
    /// Do everything but write.
    #[arg(long)]
    dry_run: bool,
    /// What to do with a row whose record exists: skip, update or create.
    #[arg(long, default_value = "skip")]
    on_duplicate: Duplicates,
    /// Fields by which a row answers to a record, in order; without it the external id, then unique fields.
    #[arg(long = "match", value_name = "FIELD")]
    match_on: Vec<String>,
    /// What parts the cells: one character, or `tab`.
    #[arg(long)]
    delimiter: Option<String>,
    /// utf-8, utf-16le, utf-16be or windows-1252.
    #[arg(long)]
    encoding: Option<String>,
    /// Whether the first row names the columns.
    #[arg(long)]
    header: Option<bool>,
}

#[derive(Args)]
pub struct Undo {
    /// The organisation's slug.
    #[arg(long)]
    tenant: String,
    /// The run, as the import answered it.
    #[arg(long)]
    run: String,
}

/// Imports and prints the report as JSON.
pub async fn run(app: &App, arguments: Import) -> Result<()> {
    let Import { tenant, object, file, map, dry_run, on_duplicate, match_on, delimiter, encoding, header } = arguments;
    let ctx = app.operator(&tenant).await?;
    let format = FormatChoice { encoding, delimiter, header };
    let options = Options { object, format, map, dry_run, on_duplicate, match_on };
    let upload = Upload::copy(&ctx, &file).await?;
    let begun = import::begin(&ctx, upload, &options, false).await?;
    let report = import::carry_on(&ctx, begun.id, None).await?;
    let errors = if report.has_errors_file { keep_errors(&ctx, &report, &file).await? } else { None };
    let mut reported = serde_json::to_value(&report).map_err(Error::internal)?;
    reported["errorsFile"] = json!(errors);
    print(&reported)
}

/// Puts the refused rows where the user can correct them: beside the file that they came from, or else where there is
/// room. They are in the clear there, as the file is.
async fn keep_errors(ctx: &Ctx, report: &Report, file: &Path) -> Result<Option<PathBuf>> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}.errors-{}.csv", report.run_id);
    let beside = file.canonicalize().ok().and_then(|file| Some(file.parent()?.to_owned()));
    for folder in beside.into_iter().chain(std::env::current_dir()).chain([std::env::temp_dir()]) {
        let path = folder.join(&name);
        let mut rows = import::errors(ctx, report.run_id).await?;
        let copy = |mut to: File| io::copy(&mut rows, &mut to).inspect_err(|_| drop(fs::remove_file(&path)));
        match private(&path).and_then(copy) {
            Ok(_) => return Ok(Some(path)),
            Err(error) => tracing::warn!(path = %path.display(), %error, "the errors file cannot be written there"),
        }
    }
    Ok(None)
}

/// A new file that only this user may read.
fn private(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options().write(true).create_new(true).mode(0o600).open(path)
}

/// Takes back what a run wrote and prints what was and what could not be.
pub async fn undo(app: &App, arguments: Undo) -> Result<()> {
    let ctx = app.operator(&arguments.tenant).await?;
    let run: RunId = arguments
        .run
        .parse()
        .map_err(|_| Error::new(Code::BadRequest, format!("`{}` is not the id of a run.", arguments.run)))?;
    print(&records::engine::undo(&ctx, run).await?)
}

/// Prints an answer as JSON, alone on standard output.
pub fn print(answer: &impl serde::Serialize) -> Result<()> {
    super::line(serde_json::to_string_pretty(answer).map_err(Error::internal)?);
    Ok(())
}
