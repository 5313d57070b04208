//! `clientele import`, `clientele undo`: the same service as for uploads, carried on by this process.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
    pin::pin,
    time::Duration,
};

use clap::Args;
use crm::import::{self, Duplicates, FormatChoice, Options, Report, Upload};
use entities::ids::RunId;
use futures::TryStreamExt;
use records::{
    Ctx,
    engine::{self, runs},
};
use serde_json::json;
use tenants::error::{Code, Error, Result};

use crate::app::App;

/// How often an import is looked at that another process does.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Args)]
pub struct Import {
    /// The organisation's slug.
    #[arg(long)]
    tenant: String,
    /// The object to import into.
    #[arg(long, default_value = "customer")]
    object: String,
    /// The file.
    #[arg(long)]
    file: PathBuf,
    /// A column and its field, instead of what the headers suggest; may be repeated.
    #[arg(long, value_name = "HEADER=FIELD")]
    map: Vec<String>,
    /// Do everything except writing.
    #[arg(long)]
    dry_run: bool,
    /// What to do with a row that matches a record: skip, update or create.
    #[arg(long, default_value = "skip")]
    on_duplicate: Duplicates,
    /// Fields that match a row to a record, in order; by default the external id, then unique fields.
    #[arg(long = "match", value_name = "FIELD")]
    match_on: Vec<String>,
    /// The delimiter: one character, or `tab`.
    #[arg(long)]
    delimiter: Option<String>,
    /// utf-8, utf-16le, utf-16be or windows-1252.
    #[arg(long)]
    encoding: Option<String>,
    /// Whether the first row contains headers.
    #[arg(long)]
    header: Option<bool>,
}

#[derive(Args)]
pub struct Undo {
    /// The organisation's slug.
    #[arg(long)]
    tenant: String,
    /// The id of the run, as shown by the import.
    #[arg(long)]
    run: String,
}

/// Imports a file and prints the report as JSON.
pub async fn run(app: &App, arguments: Import) -> Result<()> {
    let Import { tenant, object, file, map, dry_run, on_duplicate, match_on, delimiter, encoding, header } = arguments;
    let ctx = app.operator(&tenant).await?;
    let format = FormatChoice { encoding, delimiter, header };
    let options = Options { object, format, map, dry_run, on_duplicate, match_on };
    let upload = Upload::copy(&ctx, &file).await?;
    let begun = import::begin(&ctx, upload, &options, false).await?;
    let report = to_the_end(&ctx, begun.id).await?;
    let errors = if report.has_errors_file { keep_errors(&ctx, &report, &file).await? } else { None };
    let mut reported = serde_json::to_value(&report).map_err(Error::internal)?;
    reported["errorsFile"] = json!(errors);
    print(&reported)
}

/// Does an import, or waits for the process that took it over because this one was slow.
async fn to_the_end(ctx: &Ctx, run: RunId) -> Result<Report> {
    loop {
        match import::carry_on(ctx, run, None).await {
            Err(error) if error.code() == Code::Conflict => tokio::time::sleep(LOOK).await,
            other => return other,
        }
    }
}

/// Puts the refused rows where the user can correct them: beside the imported file, or wherever there is room. They are
/// not encrypted there, just as the file.
async fn keep_errors(ctx: &Ctx, report: &Report, file: &Path) -> Result<Option<PathBuf>> {
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let name = format!("{stem}.errors-{}.csv", report.run_id);
    let beside = file.canonicalize().ok().and_then(|file| Some(file.parent()?.to_owned()));
    for folder in beside.into_iter().chain(std::env::current_dir()).chain([std::env::temp_dir()]) {
        let path = folder.join(&name);
        let mut rows = pin!(import::errors(ctx, report.run_id).await?);
        let mut copied = private(&path);
        while let Ok(to) = &mut copied
            && let Some(bytes) = rows.try_next().await?
        {
            if let Err(error) = to.write_all(&bytes) {
                copied = Err(error).inspect_err(|_| drop(fs::remove_file(&path)));
            }
        }
        match copied {
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

/// Undoes a run, and prints what was undone and what could not be.
pub async fn undo(app: &App, arguments: Undo) -> Result<()> {
    let ctx = app.operator(&arguments.tenant).await?;
    let run: RunId = arguments
        .run
        .parse()
        .map_err(|_| Error::new(Code::BadRequest, format!("`{}` is not a valid run id.", arguments.run)))?;
    let begun = engine::undo(&ctx, run).await?;
    runs::to_the_end(&ctx, begun.run).await?;
    print(&runs::undo_report(&ctx, begun.run).await?)
}

/// Prints an answer as JSON, alone on standard output.
pub fn print(answer: &impl serde::Serialize) -> Result<()> {
    super::line(serde_json::to_string_pretty(answer).map_err(Error::internal)?);
    Ok(())
}
