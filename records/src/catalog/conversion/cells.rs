//! The values of some records, converted from the old column into the new one.

use tenants::{
    TenantTx,
    db::violation,
    error::{Error, Result},
};
use uuid::Uuid;

use super::{
    super::{Field, Object, build},
    losses::Losses,
};
use crate::{
    engine::cells::{self, Cell},
    values::{self, Converted, Locale, Value},
};

/// The old and the new column.
pub(super) struct Conversion<'a> {
    pub object: &'a Object,
    pub from: &'a Field,
    pub to: &'a Field,
    pub locale: Locale,
    /// Values that cannot be converted may be dropped.
    pub lossy: bool,
}

/// The result for some records.
pub(super) enum Outcome {
    Converted,
    /// Nothing is written: values would be lost or rounded without permission.
    Refused(Losses),
    /// Records would share a value that must be unique. The transaction cannot be used any more.
    Shared,
}

impl Conversion<'_> {
    /// Converts the values of these records, whose rows are locked.
    pub async fn convert(&self, tx: &TenantTx, ids: &[Uuid]) -> Result<Outcome> {
        if ids.is_empty() {
            return Ok(Outcome::Converted);
        }
        let mut losses = Losses::default();
        let cells = cells::of(tx, self.object, self.from, ids).await?;
        let values =
            cells.iter().map(|cell| Ok((cell.id, self.value(cell, &mut losses)?))).collect::<Result<Vec<_>>>()?;
        if !losses.is_none() && !self.lossy {
            return Ok(Outcome::Refused(losses));
        }
        match cells::put(tx, self.object, self.to, &values).await {
            Err(error) if violation(&error).is_some() => Ok(Outcome::Shared),
            Err(error) => Err(error.into()),
            Ok(()) => Ok(Outcome::Converted),
        }
    }

    /// Empties the new column of these records, so that a value that one of them gives up does not block another record
    /// that takes it.
    pub async fn clear(&self, tx: &TenantTx, ids: &[Uuid]) -> Result<()> {
        let nothing: Vec<(Uuid, Value)> = ids.iter().map(|id| (*id, Value::Null)).collect();
        Ok(cells::put(tx, self.object, self.to, &nothing).await?)
    }

    /// The value for the new column: where every record must have one, the default replaces a missing value.
    pub fn value(&self, cell: &Cell, losses: &mut Losses) -> Result<Value> {
        let value = match values::convert(&self.from.kind, self.to, &cell.value, &self.locale) {
            Converted::Kept(value) => value,
            Converted::Coarser(value) => {
                losses.round(cell.id);
                value
            }
            Converted::Lost => {
                losses.lose(cell.id);
                Value::Null
            }
        };
        match &self.to.default {
            Some(json) if value == Value::Null && build::everywhere(self.to) => {
                values::from_json(self.to, json, &self.locale)
                    .map_err(|issue| Error::internal(format!("the default of {}: {}", self.to.name, issue.code())))
            }
            _ => Ok(value),
        }
    }
}
