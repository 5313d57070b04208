//! Values that only one record may have: who has them, and whom a draft means by them.

use std::collections::{HashMap, HashSet};

use entities::ids::{FieldId, RecordId};
use sea_orm::{ConnectionTrait, DbErr};
use tenants::{
    Dialect,
    error::{Code, Error, FieldIssue, Issue, Result},
};
use uuid::Uuid;

use super::{
    draft::issue,
    transaction::{Outcomes, Row, WriteTransaction},
};
use crate::{
    catalog::{Field, FieldState, Object},
    engine::columns,
    permission, sealing,
    sql::{List, Sql},
    values::{self, Value},
};

/// What a value is told apart by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum MatchKey {
    Text(String),
    Int(i64),
    Id(Uuid),
}

/// The key of a value; nothing where there is no value to compare.
pub(crate) fn match_key(field: &Field, value: &Value) -> Option<MatchKey> {
    if field.encryption.is_some() {
        return sealing::hash(field, value).map(MatchKey::Text);
    }
    if values::has_key(&field.kind) {
        return values::key(field, value).filter(|key| !key.is_empty()).map(MatchKey::Text);
    }
    match columns::at_rest(value) {
        Value::Text(text) => Some(MatchKey::Text(text)),
        Value::Int(number) => Some(MatchKey::Int(number)),
        Value::Money(money) => Some(MatchKey::Int(money.base)),
        Value::Id(id) => Some(MatchKey::Id(id)),
        _ => None,
    }
}

/// Records, not archived, that hold one of these keys in a field.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    dialect: Dialect,
    object: &Object,
    field: &Field,
    keys: &HashSet<MatchKey>,
) -> Result<HashMap<MatchKey, Vec<RecordId>>> {
    let Some(list) = list(keys.iter()) else { return Ok(HashMap::new()) };
    let column = columns::compared(field);
    let mut sql = Sql::new(dialect);
    match dialect {
        Dialect::Sqlite => {
            sql.push(r#"SELECT "id", "#).name(&column).push(" FROM ").table(&object.table);
            sql.push(" WHERE ").name(&column).one_of(list).push(r#" AND "archived_at" IS NULL"#);
        }
        // A look into the index for each key, whatever the planner knew of the table when it made its plan: a table
        // that an import fills was empty then, and reading all of it for every batch would seem cheap.
        Dialect::Postgres => {
            let word = if matches!(list, List::Texts(_)) { r#"w.k COLLATE "C""# } else { "w.k" };
            sql.push(r#"SELECT t."id", w.k FROM unnest("#)
                .bind_list(list)
                .push(r#") AS w(k), LATERAL (SELECT "id" FROM "#);
            sql.table(&object.table).push(" WHERE ").name(&column).push(" = ").push(word);
            sql.push(r#" AND "archived_at" IS NULL OFFSET 0) AS t"#);
        }
    }
    let (text, binds) = sql.into_parts();
    let statement = sea_orm::Statement::from_sql_and_values(db.get_database_backend(), text, binds);
    let mut found: HashMap<MatchKey, Vec<RecordId>> = HashMap::new();
    for row in db.query_all_raw(statement).await? {
        let key = match keys.iter().next() {
            Some(MatchKey::Int(_)) => MatchKey::Int(row.try_get_by_index(1)?),
            Some(MatchKey::Id(_)) => MatchKey::Id(row.try_get_by_index(1)?),
            _ => MatchKey::Text(row.try_get_by_index(1)?),
        };
        found.entry(key).or_default().push(RecordId(row.try_get_by_index(0)?));
    }
    Ok(found)
}

/// The keys as one parameter; those of a field are all of one type.
pub(super) fn list<'k>(keys: impl Iterator<Item = &'k MatchKey> + Clone) -> Option<List> {
    let mut first = keys.clone();
    let text = |key: &MatchKey| if let MatchKey::Text(text) = key { Some(text.clone()) } else { None };
    let int = |key: &MatchKey| if let MatchKey::Int(number) = key { Some(*number) } else { None };
    let id = |key: &MatchKey| if let MatchKey::Id(id) = key { Some(*id) } else { None };
    Some(match first.next()? {
        MatchKey::Text(_) => List::Texts(keys.filter_map(text).collect()),
        MatchKey::Int(_) => List::Ints(keys.filter_map(int).collect()),
        MatchKey::Id(_) => List::Ids(keys.filter_map(id).collect()),
    })
}

/// The fields whose values say whether a record would take what another one has.
pub(super) fn compared_fields(object: &Object) -> impl Iterator<Item = FieldId> {
    unique_fields(object).chain(object.combined().flatten()).map(|field| field.id)
}

/// Fields of an object whose values only one record may have.
pub(super) fn unique_fields(object: &Object) -> impl Iterator<Item = &Field> {
    object.fields.iter().filter(|field| field.unique && field.usable() && field.state != FieldState::Failed)
}

impl WriteTransaction<'_> {
    /// Takes rows out whose values another record has, or an earlier row of the same call.
    pub(super) async fn refuse_taken(
        &mut self,
        object: &Object,
        rows: &mut Vec<Row>,
        out: &mut Outcomes,
    ) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let mut issues: HashMap<usize, Vec<FieldIssue>> = HashMap::new();
        for field in unique_fields(object).collect::<Vec<_>>() {
            let keyed: Vec<(usize, MatchKey)> = rows
                .iter()
                .enumerate()
                .filter_map(|(i, row)| Some((i, match_key(field, row.draft.get(field.id)?)?)))
                .collect();
            let free = self.free.remove(&field.id).unwrap_or_default();
            let keys: HashSet<MatchKey> =
                keyed.iter().map(|(_, key)| key.clone()).filter(|key| !free.contains(key)).collect();
            let held = find(&self.tx, self.tx.dialect(), object, field, &keys).await?;
            let holders: Vec<RecordId> = held.values().flatten().copied().collect();
            let seen = permission::visible(self.ctx, &self.tx, object, &holders).await?;
            let mut first: HashMap<MatchKey, RecordId> = HashMap::new();
            for (i, key) in keyed {
                let id = rows[i].id;
                let other = held.get(&key).and_then(|ids| ids.iter().find(|holder| **holder != id)).copied();
                let earlier = *first.entry(key).or_insert(id);
                if other.is_some() || earlier != id {
                    let holder = other.filter(|holder| seen.contains(holder)).map(|holder| holder.to_string());
                    issues.entry(i).or_default().push(issue(field, Issue::Taken(holder)));
                }
            }
        }
        self.taken_together(object, rows, &mut issues).await?;
        if issues.is_empty() {
            return Ok(());
        }
        let mut at = 0;
        rows.retain(|row| {
            let refused = issues.remove(&at);
            at += 1;
            let kept = refused.is_none();
            out.extend(refused.map(|issues| (row.index, Err(Error::invalid(issues)))));
            kept
        });
        Ok(())
    }
}

/// Another writer took a value since we looked. The write begins anew; when it looks again, it knows by whom.
pub(super) fn taken_meanwhile(error: DbErr) -> Error {
    match tenants::db::violation(&error) {
        Some(_) => Error::of(Code::Busy).caused_by(error),
        None => error.into(),
    }
}
