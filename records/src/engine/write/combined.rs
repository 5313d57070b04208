//! Values that only one record may have together: who has them.

use std::collections::HashMap;

use entities::ids::RecordId;
use sea_orm::ConnectionTrait;
use tenants::{
    Dialect, TenantTx,
    error::{FieldIssue, Issue, Result},
};

use super::{
    draft::issue,
    transaction::{Row, WriteTransaction},
    unique::{MatchKey, list, match_key},
};
use crate::{
    catalog::{Field, Object},
    engine::{Draft, columns},
    permission,
    sql::{List, Sql},
};

/// What values of several fields are told apart by, in the order of the fields.
pub(crate) type Combination = Vec<MatchKey>;

/// The combination that a record will have; none where one of the values is missing.
pub(crate) fn combination(fields: &[&Field], draft: &Draft) -> Option<Combination> {
    fields.iter().map(|field| match_key(field, draft.after(field.id)?)).collect()
}

impl WriteTransaction<'_> {
    /// Adds to the complaints about rows, by place, the combinations that another record has, or an earlier row.
    pub(super) async fn taken_together(
        &self,
        object: &Object,
        rows: &[Row],
        issues: &mut HashMap<usize, Vec<FieldIssue>>,
    ) -> Result<()> {
        for fields in object.combined() {
            let touched = |row: &Row| fields.iter().any(|field| row.draft.get(field.id).is_some());
            let combinations: Vec<(usize, Combination)> = rows
                .iter()
                .enumerate()
                .filter(|(_, row)| touched(row))
                .filter_map(|(place, row)| Some((place, combination(&fields, &row.draft)?)))
                .collect();
            let mut asked: HashMap<&Combination, usize> = HashMap::with_capacity(combinations.len());
            let mut wanted: Vec<&Combination> = Vec::with_capacity(combinations.len());
            for (_, combination) in &combinations {
                asked.entry(combination).or_insert_with(|| {
                    wanted.push(combination);
                    wanted.len() - 1
                });
            }
            let held = holders(&self.tx, object, &fields, &wanted).await?;
            let others: Vec<RecordId> = held.values().flatten().copied().collect();
            let seen = permission::visible(self.ctx, &self.tx, object, &others).await?;
            let mut first: HashMap<usize, RecordId> = HashMap::new();
            for (place, combination) in &combinations {
                let (id, at) = (rows[*place].id, asked[combination]);
                let other = held.get(&at).and_then(|ids| ids.iter().find(|holder| **holder != id)).copied();
                let earlier = *first.entry(at).or_insert(id);
                if other.is_some() || earlier != id {
                    let holder = other.filter(|holder| seen.contains(holder)).map(|holder| holder.to_string());
                    let complaints = issues.entry(*place).or_default();
                    for field in &fields {
                        if !complaints.iter().any(|known| known.field == field.name) {
                            complaints.push(issue(field, Issue::Taken(holder.clone())));
                        }
                    }
                }
            }
        }
        Ok(())
    }
}

/// Records, not archived, that have one of these combinations, by its place.
async fn holders(
    tx: &TenantTx,
    object: &Object,
    fields: &[&Field],
    wanted: &[&Combination],
) -> Result<HashMap<usize, Vec<RecordId>>> {
    let mut found: HashMap<usize, Vec<RecordId>> = HashMap::new();
    if wanted.is_empty() {
        return Ok(found);
    }
    let mut sql = Sql::new(tx.dialect());
    match tx.dialect() {
        Dialect::Sqlite => from_json(&mut sql, object, fields, wanted),
        Dialect::Postgres => from_arrays(&mut sql, object, fields, wanted),
    }
    let (text, binds) = sql.into_parts();
    for row in tx.query_all_raw(tx.statement(text, binds)).await? {
        let at: i64 = row.try_get_by_index(1)?;
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        found.entry(at).or_default().push(RecordId(row.try_get_by_index(0)?));
    }
    Ok(found)
}

/// One look into the index for each combination; CROSS keeps the order of the two.
fn from_json(sql: &mut Sql, object: &Object, fields: &[&Field], wanted: &[&Combination]) {
    let all: serde_json::Value = wanted
        .iter()
        .map(|combination| {
            let keys = combination.iter().map(|key| match key {
                MatchKey::Text(text) => serde_json::Value::from(text.as_str()),
                MatchKey::Int(number) => (*number).into(),
                MatchKey::Id(id) => id.simple().to_string().into(),
            });
            keys.collect::<serde_json::Value>()
        })
        .collect();
    sql.push(r#"SELECT t."id", w.key FROM json_each("#).bind(all.to_string()).push(") AS w CROSS JOIN ");
    sql.table(&object.table).push(r#" AS t WHERE t."archived_at" IS NULL"#);
    for (at, field) in fields.iter().enumerate() {
        let is_id = matches!(wanted.first().and_then(|keys| keys.get(at)), Some(MatchKey::Id(_)));
        let key = format!("json_extract(w.value, '$[{at}]')");
        sql.push(" AND ").column("t", &columns::compared(field)).push(" = ");
        sql.push(&if is_id { format!("unhex({key})") } else { key });
    }
}

/// The same, whatever the planner knew of the table when it made its plan (see [`super::unique`]).
fn from_arrays(sql: &mut Sql, object: &Object, fields: &[&Field], wanted: &[&Combination]) {
    sql.push(r#"SELECT t."id", w.n - 1 FROM unnest("#);
    let mut texts = Vec::with_capacity(fields.len());
    for at in 0..fields.len() {
        let keys = list(wanted.iter().filter_map(|keys| keys.get(at))).unwrap_or(List::Texts(Vec::new()));
        texts.push(matches!(keys, List::Texts(_)));
        sql.push(if at > 0 { ", " } else { "" }).bind_list(keys);
    }
    let names: Vec<String> = (0..fields.len()).map(|at| format!("k{at}")).collect();
    sql.push(") WITH ORDINALITY AS w(").push(&names.join(", ")).push(r#", n), LATERAL (SELECT "id" FROM "#);
    sql.table(&object.table).push(r#" WHERE "archived_at" IS NULL"#);
    for (at, field) in fields.iter().enumerate() {
        sql.push(" AND ").name(&columns::compared(field)).push(" = w.k").number(at as i64);
        sql.push(if texts[at] { r#" COLLATE "C""# } else { "" });
    }
    sql.push(" OFFSET 0) AS t");
}
