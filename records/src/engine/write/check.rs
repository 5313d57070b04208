//! What the rules of an object refuse, with the linked records that they look at read beforehand.

use std::collections::{HashMap, HashSet};

use entities::ids::RecordId;
use tenants::error::Result;
use uuid::Uuid;

use super::{
    Source,
    transaction::{Outcomes, Row, WriteTransaction},
};
use crate::{
    catalog::{Field, FieldId, Object},
    engine::{self, WriteKind},
    rules::{Checked, Related},
    values::Value,
};

/// Of one linked record, the values that rules want.
type Wanted = Vec<(FieldId, Value)>;

impl WriteTransaction<'_> {
    /// Takes the rows out that the rules of the object refuse. Nothing is asked while the history is being undone.
    pub(super) async fn check(
        &self,
        object: &Object,
        kind: WriteKind,
        rows: &mut Vec<Row>,
        source: Source,
        out: &mut Outcomes,
    ) -> Result<()> {
        let Some(rules) = self.ctx.rules.of(object).filter(|_| source != Source::Journal && !rows.is_empty()) else {
            return Ok(());
        };
        let mut targets = HashMap::new();
        for related in rules.related(&self.ctx.catalog, object) {
            targets.insert(related.link, self.targets(&related, rows).await?);
        }
        let of_row = |row: &Row| {
            let seen = targets.iter().map(|(link, targets)| {
                let target = linked(row, *link).and_then(|id| targets.get(&id));
                (*link, target.cloned().unwrap_or_default())
            });
            seen.collect::<HashMap<FieldId, Wanted>>()
        };
        let related: Vec<_> = rows.iter().map(of_row).collect();
        let mut checked: Vec<Checked<'_>> = rows
            .iter()
            .zip(&related)
            .map(|(row, related)| Checked { kind, draft: &row.draft, related, refusal: None })
            .collect();
        rules.check(&self.inside, object, &mut checked);
        let mut refusals: Vec<_> = checked.into_iter().map(|checked| checked.refusal).collect();
        let mut place = 0;
        rows.retain(|row| {
            let refusal = refusals[place].take();
            place += 1;
            match refusal {
                Some(refusal) => {
                    out.push((row.index, Err(refusal)));
                    false
                }
                None => true,
            }
        });
        Ok(())
    }

    /// The records that the rows link to by one field, with what is wanted of them.
    async fn targets(&self, related: &Related, rows: &[Row]) -> Result<HashMap<Uuid, Wanted>> {
        let catalog = &self.ctx.catalog;
        let target = catalog.field(related.link).and_then(|link| catalog.object_by_id(link.relation()?.to));
        let ids: HashSet<Uuid> = rows.iter().filter_map(|row| linked(row, related.link)).collect();
        let Some((target, id)) = target.and_then(|target| Some((target, target.field("id")?))) else {
            return Ok(HashMap::new());
        };
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let fields: Vec<&Field> = target.fields.iter().filter(|field| related.fields.contains(&field.id)).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let found = engine::linked(&self.inside.db, target, &fields, id, &ids).await?;
        let wanted = |cells: Vec<Value>| fields.iter().map(|field| field.id).zip(cells).collect();
        Ok(found.into_iter().map(|row| (row.id.0, wanted(row.cells))).collect())
    }
}

/// Where a row links to, as it will be.
fn linked(row: &Row, link: FieldId) -> Option<Uuid> {
    match row.draft.after(link) {
        Some(Value::Id(id)) => Some(RecordId(*id).0),
        _ => None,
    }
}
