//! Finds out what a change of type would do to many rows, before it begins and without blocking anybody. Few rows are
//! checked by the change itself; rows written after this check, by the job.

use tenants::error::{Error, Result};

use super::{
    super::{FieldPatch, build, cache, patch},
    cells::Conversion,
    losses::Losses,
};
use crate::{Ctx, catalog::FieldId, engine::cells, values::Value};

/// Records checked together.
const PAGE: i64 = 5_000;

/// Refuses a change of type that would lose values, or leave records without a required one.
///
/// # Errors
/// `WOULD_LOSE_VALUES` with the number of `records`, of those `rounded`, and `examples`; `VALIDATION_FAILED`.
pub(in super::super) async fn refuse_losses(ctx: &Ctx, id: FieldId, changes: &FieldPatch) -> Result<()> {
    let Some(kind) = &changes.kind else { return Ok(()) };
    let catalog = cache::reload(&ctx.db).await?;
    let (Some(known), Some(object)) = (catalog.field(id), catalog.object_of(id)) else { return Ok(()) };
    let mut target = known.clone();
    if known.rollup().is_some() || super::aim(&mut target, known, kind).is_err() || target.kind == known.kind {
        // nothing to convert, or refused later with a better message
        return Ok(());
    }
    patch::rules(&mut target, known, changes)?;
    let lossy = changes.drop_unconvertible;
    let conversion = Conversion { object, from: known, to: &target, locale: ctx.locale(), lossy };
    let (mut losses, mut missing, mut after) = (Losses::default(), 0, None);
    loop {
        let cells = cells::after(&ctx.db, ctx.db.dialect(), object, known, after, PAGE).await?;
        if after.is_none() && cells.len() as i64 <= build::FEW {
            return Ok(());
        }
        for cell in &cells {
            let value = conversion.value(cell, &mut losses)?;
            missing += i64::from(value == Value::Null && !cell.archived);
        }
        match cells.last() {
            Some(last) => after = Some(last.id),
            None => break,
        }
    }
    if !losses.is_none() && !lossy {
        return Err(losses.refusal(known));
    }
    if build::everywhere(&target) && missing > 0 {
        return Err(Error::invalid(vec![build::lacking(&target, missing)]));
    }
    Ok(())
}
