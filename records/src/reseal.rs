//! Reseals what records hold after a new data key was added: values of encrypted fields, including deleted ones, their
//! history, runs, dry runs and stored answers. Each step looks for what is left, so no position is stored and a crash
//! costs nothing.

use std::time::Instant;

use entities::{
    ids::RecordId,
    tenant::{fields, objects},
};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, TransactionSession};
use serde_json::Value as Json;
use tenants::{
    TenantDb,
    error::{Error, Result},
    keys::{Unopened, of_row},
    rotation::{Form, Key, SealedValues, beginnings},
};
use uuid::Uuid;

use crate::{
    catalog::FieldId,
    engine::{ANSWERS, DRAFTS, RUNS},
    sealing::{self, MARK},
};

/// Changes resealed in one transaction.
const BATCH: u32 = 500;

/// Reseals what is under older keys. Returns false if time ran out first.
///
/// # Errors
/// If the database does not answer, or a value cannot be unsealed.
pub async fn reseal(db: &TenantDb, until: Instant) -> Result<bool> {
    let encrypted = encrypted(db).await?;
    for (field, column, table) in &encrypted {
        let purposes = |key: &[String]| match key[0].parse() {
            Ok(record) => vec![sealing::purpose("field", *field, RecordId(record))],
            Err(_) => Vec::new(),
        };
        let values = SealedValues { table, key: &[Key::Uuid("id")], column, form: Form::Text, purposes: &purposes };
        if !values.reseal(db, until).await? {
            return Ok(false);
        }
    }
    let kept: [(&str, &[Key], &str, Form, &str); 4] = [
        ("runs", &[Key::Uuid("id")], "params", Form::Marked(MARK), RUNS),
        ("runs", &[Key::Uuid("id")], "progress", Form::Marked(MARK), RUNS),
        ("dry_run_records", &[Key::Uuid("run"), Key::Uuid("record_id")], "draft", Form::Marked(MARK), DRAFTS),
        ("idempotency", &[Key::Text("actor"), Key::Text("key")], "response", Form::Text, ANSWERS),
    ];
    for (table, key, column, form, purpose) in kept {
        let purposes = |key: &[String]| vec![of_row(purpose, key.join(" ")), purpose.to_owned()];
        if !(SealedValues { table, key, column, form, purposes: &purposes }).reseal(db, until).await? {
            return Ok(false);
        }
    }
    if encrypted.is_empty() { Ok(true) } else { history(db, until).await }
}

/// The columns of encrypted fields with their tables.
async fn encrypted(db: &TenantDb) -> Result<Vec<(FieldId, String, String)>> {
    let query = fields::Entity::find().filter(fields::Column::Encryption.is_not_null());
    let objects = objects::Entity::find().all(db).await?;
    let mut found = Vec::new();
    for field in query.order_by_asc(fields::Column::Id).all(db).await? {
        if let Some(object) = objects.iter().find(|object| object.id == field.object_id) {
            found.push((field.id, field.column_name, object.table_name.clone()));
        }
    }
    Ok(found)
}

/// A change's place in the history.
type Place = (Uuid, i64);

/// Changes contain one sealed text for each encrypted field, among plain ones of other fields.
async fn history(db: &TenantDb, until: Instant) -> Result<bool> {
    let current = db.key().current();
    for older in db.key().ids().into_iter().filter(|id| *id != current) {
        let mut after: Place = (Uuid::nil(), -1);
        let like = beginnings(older).map(|beginning| format!("%\"{MARK}{beginning}%"));
        loop {
            let sql = format!(
                r#"SELECT "commit_id", "n", "record_id", "diff" FROM "tenant"."changes"
                   WHERE ("diff" LIKE $1 OR "diff" LIKE $2 OR "diff" LIKE $3 OR "diff" LIKE $4)
                   AND ("commit_id", "n") > ($5, $6) ORDER BY "commit_id", "n" LIMIT {BATCH}"#
            );
            let mut values: Vec<sea_orm::Value> = like.clone().map(sea_orm::Value::from).into();
            values.extend([after.0.into(), after.1.into()]);
            let rows = db.query_all_raw(db.statement(sql, values)).await?;
            let Some(last) = rows.last() else { break };
            after = (last.try_get_by_index(0)?, last.try_get_by_index(1)?);
            let tx = db.begin_write().await?;
            for row in &rows {
                let (commit, n): Place = (row.try_get_by_index(0)?, row.try_get_by_index(1)?);
                let (record, old): (Uuid, String) = (row.try_get_by_index(2)?, row.try_get_by_index(3)?);
                let new = anew(db, RecordId(record), &old)?;
                let sql =
                    r#"UPDATE "tenant"."changes" SET "diff" = $1 WHERE "commit_id" = $2 AND "n" = $3 AND "diff" = $4"#;
                tx.execute_raw(tx.statement(sql, vec![new.into(), commit.into(), n.into(), old.into()])).await?;
            }
            tx.commit().await?;
            if Instant::now() > until {
                return Ok(false);
            }
        }
    }
    Ok(true)
}

fn anew(db: &TenantDb, record: RecordId, diff: &str) -> Result<String> {
    let mut diff: serde_json::Map<String, Json> = serde_json::from_str(diff).map_err(Error::internal)?;
    for (field, change) in &mut diff {
        let Some(sealed) = change.as_str().and_then(|text| text.strip_prefix(MARK)) else { continue };
        let purpose = sealing::purpose("history", FieldId(field.parse().map_err(Error::internal)?), record);
        let clear = match db.key().unseal_text(&purpose, sealed) {
            Ok(clear) => clear,
            // of a field that was already deleted when its key was retired
            Err(Unopened::UnknownKey) => continue,
            Err(Unopened::Damaged) => return Err(Error::internal("a value of the history cannot be unsealed")),
        };
        *change = format!("{MARK}{}", db.key().seal_text(&purpose, &clear)?).into();
    }
    Ok(Json::Object(diff).to_string())
}
