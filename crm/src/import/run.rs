//! Carries on an import. The rows of a batch, the position in the file and the end of the errors file commit together,
//! so that after a crash nothing is done twice.

use std::{sync::Arc, time::Instant};

use records::{
    Ctx,
    catalog::{Field, Object},
    engine::{
        self, BatchMode, BatchRow, RowOutcome, RowResult,
        runs::{self, Run},
    },
    values::Locale,
};
use tenants::error::{Code, Error, Result};

use super::{
    batches::{self, Batch, Source},
    cells::{Cells, Reading},
    complaint::{self, Complaint},
    errors_file::ErrorsFile,
    links::Links,
    model::{Oddity, Plan, Progress},
    rows::Row,
    staging,
};

/// Most warnings in a report.
const NOTICES: usize = 100;

/// An import that runs in this process.
struct Importing<'a> {
    ctx: &'a Ctx,
    run: &'a Run,
    plan: &'a Plan,
    object: &'a Object,
    locale: Locale,
    progress: Progress,
    errors: ErrorsFile,
    links: &'a mut Links,
}

/// Imports until the file ends (returns true) or the time is up.
///
/// # Errors
/// `BAD_FILE` if the file cannot be read further; `CANCELLED`; `STALE_CATALOG` if the fields changed meanwhile: what
/// was committed stays, and the run can continue with the new catalog.
pub(super) async fn carry_on(
    ctx: &Ctx,
    run: &Run,
    plan: &Plan,
    progress: Progress,
    until: Option<Instant>,
    links: &mut Links,
) -> Result<(Progress, bool)> {
    let object = ctx
        .catalog
        .object_by_id(plan.object)
        .ok_or_else(|| Error::new(Code::NotFound, "The object of this import was deleted."))?;
    let locale = ctx.locale();
    let cells = Cells::new(Arc::clone(&ctx.catalog), object, &plan.mapping, plan.skip, locale.clone());
    let links_to = |column: &super::mapping::Column| {
        column.field.and_then(|id| ctx.catalog.field(id)).and_then(Field::relation).map(|relation| relation.to)
    };
    let source = Source {
        file: staging::open(&ctx.db, run.id).await?,
        format: plan.format.clone(),
        cells,
        place: progress.place,
        self_linked: plan.mapping.0.iter().any(|column| links_to(column) == Some(object.id)),
    };
    let headers = plan.mapping.0.iter().map(|column| column.header.clone()).collect();
    let delimiter = plan.format.delimiter as u8;
    let errors = ErrorsFile::new(&ctx.db, run.id, delimiter, headers, plan.skip, progress.errors);
    let mut importing = Importing { ctx, run, plan, object, locale, progress, errors, links };
    let mut batches = batches::read(source);
    while let Some(batch) = batches.recv().await {
        importing.batch(batch?).await?;
        if until.is_some_and(|until| Instant::now() >= until) {
            return Ok((importing.progress, false));
        }
    }
    Ok((importing.progress, true))
}

impl Importing<'_> {
    async fn batch(&mut self, batch: Batch) -> Result<()> {
        let mut readings = batch.readings;
        self.links.resolve(self.ctx, &self.plan.mapping, &self.locale, &mut readings).await?;
        let rows = readings.iter_mut().filter(|reading| reading.complaints.is_empty());
        let rows: Vec<BatchRow> = rows
            .map(|reading| BatchRow { line: reading.row.line, draft: std::mem::take(&mut reading.draft) })
            .collect();
        let refused = readings.len() - rows.len();
        let mode = BatchMode {
            match_on: self.plan.match_on.clone(),
            on_duplicate: self.plan.on_duplicate.into(),
            dry_run: self.plan.dry_run,
        };
        let ctx = runs::in_run(self.ctx, self.run).await?;
        let prepared = engine::prepare_batch(&ctx, self.run, self.object.id, rows, &mode).await?;
        let mut next = Progress { place: Some(batch.place), ..self.progress.clone() };
        // the rows are refused for certain only when they are committed, and their file must be there by then
        if let Some(text) = self.tally(&readings, prepared.outcomes(), &mut next)? {
            next.errors = Some(self.errors.store(&text).await?);
        }
        prepared.commit(serde_json::to_value(&next).map_err(Error::internal)?, refused).await?;
        self.errors.keep(next.errors);
        self.progress = next;
        Ok(())
    }

    /// Counts the results of the rows, and returns the text of those that are refused.
    fn tally(&self, readings: &[Reading], outcomes: &[RowOutcome], next: &mut Progress) -> Result<Option<Vec<u8>>> {
        let mut outcomes = outcomes.iter();
        let mut refused: Vec<(&Row, Vec<Complaint>)> = Vec::new();
        for reading in readings {
            next.counts.rows += 1;
            let complaints = if reading.complaints.is_empty() {
                let outcome = outcomes.next().ok_or_else(|| Error::internal("a row has no result"))?;
                self.count(reading, outcome, next)
            } else {
                Some(reading.complaints.clone())
            };
            if let Some(complaints) = complaints {
                next.counts.failed += 1;
                refused.push((&reading.row, complaints));
            } else {
                self.notice(reading, next);
            }
        }
        let rows = refused.iter().map(|(row, complaints)| (*row, complaints.as_slice()));
        self.errors.text(rows, &self.plan.language)
    }

    /// Counts the result of one row; returns the engine's errors if it was refused.
    fn count(&self, reading: &Reading, outcome: &RowOutcome, next: &mut Progress) -> Option<Vec<Complaint>> {
        let counts = &mut next.counts;
        match &outcome.result {
            RowResult::Created(_) => counts.created += 1,
            RowResult::Updated(_) => counts.updated += 1,
            RowResult::Unchanged(_) => counts.unchanged += 1,
            RowResult::Skipped(_) => counts.skipped += 1,
            RowResult::Failed(issues) => {
                let field = |name: &str| self.object.field(name).map(|field| field.id);
                let cell = |column: usize| reading.row.cell(column + self.plan.skip).unwrap_or_default();
                return Some(complaint::of_issues(issues, &self.plan.mapping, field, cell));
            }
        }
        None
    }

    fn notice(&self, reading: &Reading, next: &mut Progress) {
        for notice in &reading.warnings {
            next.counts.warnings += 1;
            if next.notices.len() < NOTICES {
                next.notices.push(Oddity {
                    line: reading.row.line,
                    column: notice.column.clone(),
                    value: notice.value.clone(),
                    code: notice.warning.code().to_owned(),
                    reason: notice.warning.message(&self.plan.language).to_owned(),
                });
            }
        }
    }
}
