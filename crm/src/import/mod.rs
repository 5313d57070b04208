//! Imports tables of customers (and of any object) from files. Every row becomes a record, or is listed in the errors
//! file with line, column and reason.
//!
//! An import is a run. [`begin`] stages the file and decides how it is read; [`carry_on`] writes it batch by batch in
//! any process; [`report`] shows its progress. The command line carries on its own imports. Workers ([`Imports`])
//! carry on imports that came through a server, and those of a crashed process.

mod batches;
mod binary;
mod cells;
mod complaint;
mod encoding;
mod errors_file;
mod format;
mod job;
mod links;
mod mapping;
mod model;
mod plan;
mod preview;
mod reseal;
mod rows;
mod run;
mod staging;
mod sweep;
mod synonyms;
mod text;

use std::time::Instant;

use bytes::Bytes;
use entities::ids::{FieldId, RunId};
use files::{Files, Reader};
pub use format::{Format, FormatChoice};
use futures::Stream;
pub use job::{ContinueImport, Imports};
pub use mapping::MappedColumn;
pub use model::{Counts, Duplicates, Oddity, Options, Report};
pub use preview::{Preview, PreviewRow};
use records::{
    Ctx,
    engine::{
        forget_dry_run, refresh_statistics,
        runs::{self, NewRun, Run, RunKind},
        verify,
    },
    permission,
};
pub use reseal::reseal;
use sea_orm::TransactionSession;
pub use staging::{MAX_UPLOAD, Upload};
pub use sweep::{SweepStaging, Sweeper};
use tenants::error::{Code, Error, Result};

use links::Links;
use model::{Plan, Progress};

/// From this many new records on, the database's statistics are refreshed.
const MANY: u64 = 10_000;
/// How often an import is planned again if the catalog changes, without any progress in between.
const REPLANS: usize = 5;

/// Starts the import of a file; somebody must carry it on. With `by_workers` it is queued for the workers at once;
/// otherwise they take it only if nobody else carries it on.
///
/// # Errors
/// `BAD_FILE` if the file is not a table; `BAD_REQUEST` for invalid options; `FORBIDDEN`; `STALE_CATALOG` if the fields
/// changed since the context was created.
pub async fn begin(ctx: &Ctx, mut upload: Upload, options: &Options, by_workers: bool) -> Result<Run> {
    let plan = match read(ctx, &mut upload, options, plan::plan).await {
        Ok(plan) => plan,
        Err(error) => {
            upload.discard().await;
            return Err(error);
        }
    };
    let new = NewRun {
        kind: RunKind::Import,
        object: Some(plan.object),
        params: serde_json::to_value(&plan).map_err(Error::internal)?,
        progress: serde_json::to_value(Progress::default()).map_err(Error::internal)?,
    };
    let id = upload.adopt();
    let (inside, tx) = ctx.begin_write().await?;
    let run = runs::create_as(&inside, &tx, id, new).await?;
    job::enqueue(&inside, &tx, id, by_workers).await?;
    tx.commit().await?;
    if by_workers {
        ctx.db.tickets().wake();
    }
    Ok(run)
}

/// Shows how [`begin`] would read a file. Nothing is stored.
///
/// # Errors
/// As [`begin`]; a file without a matching column is shown all the same.
pub async fn preview(ctx: &Ctx, mut upload: Upload, options: &Options) -> Result<Preview> {
    let shown = read(ctx, &mut upload, options, preview::preview).await;
    upload.discard().await;
    shown
}

/// Runs a function that reads the file, and blocks, in a thread of its own.
async fn read<T: Send + 'static>(
    ctx: &Ctx,
    upload: &mut Upload,
    options: &Options,
    reader: fn(&Ctx, Reader, &Options) -> Result<T>,
) -> Result<T> {
    // import into a field that another process has just created
    verify(ctx).await?;
    let file = upload.finish().await?;
    let (ctx, options) = (ctx.clone(), options.clone());
    tokio::task::spawn_blocking(move || reader(&ctx, file, &options)).await.map_err(Error::internal)?
}

/// Carries on an import until the file ends or the time is up, and returns its progress.
///
/// # Errors
/// `NOT_FOUND`; `CONFLICT` while another process carries it on; `BAD_FILE` if the file cannot be read further, which
/// ends the import and keeps what was written.
pub async fn carry_on(ctx: &Ctx, run: RunId, until: Option<Instant>) -> Result<Report> {
    continued(ctx, run, until, &mut Links::default()).await
}

/// The same, with the cache of links of the last slice.
async fn continued(ctx: &Ctx, run: RunId, until: Option<Instant>, links: &mut Links) -> Result<Report> {
    let waiting = load(ctx, run).await?;
    if waiting.status.is_over() {
        // cancelled by others: nobody who worked on it has cleaned up
        clean_up(ctx, run).await?;
        return describe(ctx, &waiting);
    }
    let Some(run) = runs::claim(ctx, run).await? else {
        return Err(Error::new(Code::Conflict, "Another process carries this import on."));
    };
    let ended = match to_the_end(ctx, &run, until, links).await {
        // whoever cancels an import deletes its file
        Err(error)
            if matches!(error.code(), Code::NotFound | Code::BadFile)
                && runs::load(ctx, run.id).await?.status.is_over() =>
        {
            Err(Error::of(Code::Cancelled))
        }
        ended => ended,
    };
    match ended {
        Ok(false) => runs::release(ctx, &run).await?,
        Ok(true) => finish(ctx, &run, None).await?,
        Err(error) if error.code() == Code::Cancelled => clean_up(ctx, run.id).await?,
        // another attempt may succeed: the run stays as it is
        Err(error) if error.code().kind().retryable() => {
            runs::release(ctx, &run).await?;
            return Err(error);
        }
        Err(error) => {
            finish(ctx, &run, Some(error.message().to_owned())).await?;
            return Err(error.with("runId", run.id.to_string()));
        }
    }
    report(ctx, run.id).await
}

async fn to_the_end(ctx: &Ctx, run: &Run, until: Option<Instant>, links: &mut Links) -> Result<bool> {
    let plan = plan_of(run)?;
    let mut ctx = ctx.clone();
    let mut tries = 0;
    let mut last = None;
    loop {
        let progress = progress(&runs::load(&ctx, run.id).await?)?;
        tries = if last == progress.place { tries + 1 } else { 0 };
        last = progress.place;
        match run::carry_on(&ctx, run, &plan, progress, until, links).await {
            Err(error) if error.code() == Code::StaleCatalog && tries < REPLANS => ctx = ctx.refreshed().await?,
            other => return other.map(|(_, ended)| ended),
        }
    }
}

/// The progress or result of an import.
///
/// # Errors
/// `NOT_FOUND` if there is no such import.
pub async fn report(ctx: &Ctx, run: RunId) -> Result<Report> {
    let run = load(ctx, run).await?;
    describe(ctx, &run)
}

/// The refused rows of an import as a CSV file, to be corrected and imported again.
///
/// # Errors
/// `NOT_FOUND` if there is no such import, if it refused no row, or if its errors file was deleted; `FORBIDDEN` if rows
/// of somebody else contain what the caller's role hides.
pub async fn errors(ctx: &Ctx, run: RunId) -> Result<impl Stream<Item = Result<Bytes>> + Send + use<>> {
    let run = load(ctx, run).await?;
    show(ctx, &run)?;
    let last = progress(&run)?.errors.ok_or_else(|| Error::new(Code::NotFound, "This import refused no row."))?;
    let file = errors_file::open(&Files::of(&ctx.db), run.id, last).await?;
    file.ok_or_else(|| Error::new(Code::NotFound, "The errors file of this import was deleted."))
}

/// Refuses rows of a file to a caller who may not see the fields that they fill, unless it is their own file.
fn show(ctx: &Ctx, run: &Run) -> Result<()> {
    if run.created_by == ctx.caller.actor.stored() {
        return Ok(());
    }
    let filled: Vec<FieldId> = plan_of(run)?.mapping.0.iter().filter_map(|column| column.field).collect();
    permission::see_all(ctx, &filled)
}

/// Cancels an import. What it wrote stays, until it is undone.
///
/// # Errors
/// `NOT_FOUND` if there is no such import.
pub async fn cancel(ctx: &Ctx, run: RunId) -> Result<Report> {
    let run = load(ctx, run).await?;
    runs::cancel(ctx, run.id).await?;
    clean_up(ctx, run.id).await?;
    report(ctx, run.id).await
}

async fn load(ctx: &Ctx, run: RunId) -> Result<Run> {
    let no_such_import = || Error::new(Code::NotFound, "There is no such import.");
    match runs::load(ctx, run).await {
        Ok(run) if run.kind == RunKind::Import => Ok(run),
        Ok(_) => Err(no_such_import()),
        Err(error) if error.code() == Code::NotFound => Err(no_such_import()),
        Err(error) => Err(error),
    }
}

async fn finish(ctx: &Ctx, run: &Run, error: Option<String>) -> Result<()> {
    let created = progress(&runs::load(ctx, run.id).await?)?.counts.created;
    let many = created >= MANY && !plan_of(run)?.dry_run;
    if let Some(object) = run.object.filter(|_| many)
        && let Err(error) = refresh_statistics(ctx, object).await
    {
        tracing::warn!(run.id = %run.id, error = error.log_line(), "the database's statistics were not refreshed after an import");
    }
    // another process may have taken it over: then the file is still needed
    if runs::finish(ctx, run, error).await?.status.is_over() { clean_up(ctx, run.id).await } else { Ok(()) }
}

/// Ends an import whose author may no longer do it, unless another process works on it.
async fn give_up(ctx: &Ctx, run: RunId, error: &Error) -> Result<()> {
    match runs::claim(ctx, run).await? {
        Some(run) => finish(ctx, &run, Some(error.message().to_owned())).await,
        None => Ok(()),
    }
}

/// Cleans up after a finished run: deletes its file and the entries of its dry run.
async fn clean_up(ctx: &Ctx, run: RunId) -> Result<()> {
    staging::discard(&Files::of(&ctx.db), run).await;
    let run = runs::load(ctx, run).await?;
    if plan_of(&run)?.dry_run {
        forget_dry_run(ctx, run.id).await?;
    }
    Ok(())
}

fn plan_of(run: &Run) -> Result<Plan> {
    serde_json::from_value(run.params.clone()).map_err(Error::internal)
}

fn progress(run: &Run) -> Result<Progress> {
    serde_json::from_value(run.progress.clone()).map_err(Error::internal)
}

fn describe(ctx: &Ctx, run: &Run) -> Result<Report> {
    let plan = plan_of(run)?;
    let progress = progress(run)?;
    Ok(Report {
        run_id: run.id,
        status: run.status,
        error: run.error.clone(),
        dry_run: plan.dry_run,
        counts: progress.counts,
        has_errors_file: progress.errors.is_some() && !sweep::is_too_old(run, ctx.caller.clock.micros()),
        notices: progress.notices,
        ignored: plan.mapping.ignored().map(str::to_owned).collect(),
        mapping: plan.mapping.named(&ctx.catalog),
        format: plan.format,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn who_lost_an_import_leaves_its_file_to_whoever_has_it() {
        let ctx = crate::tests::ctx().await;
        let mut upload = Upload::begin(&ctx).await.unwrap();
        upload.write(b"firstName\nAda\nBob\n").await.unwrap();
        let options = Options { object: "customer".to_owned(), ..Options::default() };
        let id = begin(&ctx, upload, &options, false).await.unwrap().id;
        let slow = runs::claim(&ctx, id).await.unwrap().unwrap();
        ctx.caller.clock.advance(3_600_000_000);
        let other = runs::claim(&ctx, id).await.unwrap().unwrap();
        for error in [None, Some("It is slow.".to_owned())] {
            finish(&ctx, &slow, error).await.unwrap();
        }
        runs::release(&ctx, &other).await.unwrap();
        let report = carry_on(&ctx, id, None).await.unwrap();
        assert_eq!((report.status, report.counts.created), (runs::RunStatus::Done, 2));
    }
}
