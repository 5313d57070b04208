//! New records.

use tenants::{
    Operation,
    error::{Error, FieldIssue, Result},
};

use super::{
    Source, WriteOutcome,
    draft::DraftValidator,
    numbers,
    transaction::{Outcomes, Row, WriteTransaction},
    unique::taken_meanwhile,
};
use crate::{
    catalog::{Field, Object},
    columns::{Stored, stored},
    engine::{
        WriteKind,
        columns::{self, Column},
        rows,
    },
    permission::NewRecords,
    values::Value,
};

impl<'a> WriteTransaction<'a> {
    pub(super) async fn create(
        &mut self,
        object: &'a Object,
        rows: Vec<Row>,
        source: Source,
        out: &mut Outcomes,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let validator = DraftValidator::new(self.ctx, object, source)?;
        let rights =
            if source == Source::Caller { Some(NewRecords::of(self.ctx, object, Operation::Create)?) } else { None };
        let mut rows = rows;
        let complaints = validator.new_records(&mut rows);
        let mut good = Vec::with_capacity(rows.len());
        for (mut row, mut issues) in rows.into_iter().zip(complaints) {
            issues.extend(rights.as_ref().and_then(|rights| rights.own(&mut row.draft)));
            if issues.is_empty() {
                good.push(row);
            } else {
                out.push((row.index, Err(Error::invalid(issues))));
            }
        }
        if let Some(rights) = rights {
            let drafts: Vec<_> = good.iter().map(|row| &row.draft).collect();
            let out_of_scope = rights.out_of_scope(&self.tx, &drafts).await?;
            refuse(&mut good, out_of_scope, out);
        }
        self.refuse_dead_links(object, &mut good, source, out).await?;
        self.refuse_taken(object, &mut good, out).await?;
        self.check(object, WriteKind::Created, &mut good, source, out).await?;
        self.number(object, &mut good).await?;
        self.insert(object, &good).await?;
        self.relink(object, good.iter()).await?;
        let ids: Vec<_> = good.iter().map(|row| row.id).collect();
        self.count_in(object, &ids).await?;
        for row in good {
            self.journal(object.id, row.id, WriteKind::Created, None);
            let values = row.draft.values.into_iter().filter(|(_, value)| *value != Value::Null).collect();
            out.push((row.index, Ok(WriteOutcome { object: object.id, id: row.id, kind: WriteKind::Created, values })));
        }
        Ok(())
    }

    async fn number(&mut self, object: &Object, rows: &mut [Row]) -> Result<()> {
        self.numbers.fill(&self.tx, object, rows.len()).await?;
        for field in numbers::counted(object).collect::<Vec<_>>() {
            for row in rows.iter_mut().filter(|row| row.draft.get(field.id).is_none()) {
                row.draft.values.push((field.id, Value::Text(self.numbers.next(field)?)));
            }
        }
        Ok(())
    }

    async fn insert(&self, object: &Object, rows: &[Row]) -> Result<()> {
        let (columns, values) = self.layout(object, rows)?;
        rows::insert(&self.tx, &object.table, &columns, values).await.map_err(taken_meanwhile)
    }

    /// The columns that any of the rows sets, and the rows' values in them.
    fn layout(&self, object: &Object, rows: &[Row]) -> Result<(Vec<Column>, Vec<sea_orm::Value>)> {
        let fields: Vec<&Field> = object
            .fields
            .iter()
            .filter(|field| field.usable() && stored(&field.kind).is_some())
            .filter(|field| rows.iter().any(|row| row.draft.get(field.id).is_some()))
            .collect();
        let mut columns = vec![
            Column::new("id", Stored::Id),
            Column::new("version", Stored::Int),
            Column::new("created_at", Stored::Int),
            Column::new("created_by", Stored::Text),
            Column::new("updated_at", Stored::Int),
            Column::new("updated_by", Stored::Text),
        ];
        columns.extend(fields.iter().flat_map(|field| columns::of(field)));
        let mut values = Vec::with_capacity(rows.len() * columns.len());
        for row in rows {
            let (now, actor) = (sea_orm::Value::from(self.now), sea_orm::Value::from(self.actor.as_str()));
            values.extend([row.id.0.into(), 1_i64.into(), now.clone(), actor.clone(), now, actor]);
            for field in &fields {
                let value = row.draft.get(field.id).unwrap_or(&Value::Null);
                columns::bind(self.tx.dialect(), field, row.id, value, &mut values)?;
            }
        }
        Ok((columns, values))
    }
}

/// Takes rows out by their places.
pub(super) fn refuse(rows: &mut Vec<Row>, refused: Vec<(usize, FieldIssue)>, out: &mut Outcomes) {
    for (place, issue) in refused.into_iter().rev() {
        out.push((rows.remove(place).index, Err(Error::invalid(vec![issue]))));
    }
}
