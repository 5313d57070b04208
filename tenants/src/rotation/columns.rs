//! The columns of the control plane that are sealed with the master key. A column that is missing here would be lost
//! when its key is retired, so a test compares this list with the tables.

use sea_orm::{ConnectionTrait, DatabaseTransaction, QueryResult, Statement, Value};
use uuid::Uuid;

use crate::{
    control::Control,
    error::{Error, Result},
    identity,
    keys::{MasterKeys, key_of, of_row},
    system_jobs,
};

/// Rows resealed in one transaction.
const BATCH: u64 = 500;

/// A column that holds what [`MasterKeys::seal`] made, or null.
#[derive(Clone, Copy, Debug)]
pub struct SealedColumn {
    pub table: &'static str,
    /// Primary key.
    pub key: Key,
    pub column: &'static str,
    /// The purpose it was sealed for; with the key of its row, unless the value itself names its row.
    pub purpose: &'static str,
}

/// A primary key of one column.
#[derive(Clone, Copy, Debug)]
pub enum Key {
    Uuid(&'static str),
    Text(&'static str),
}

/// All of them, except the tenants' wrapped keys and the check value that detects a wrong master key.
pub const COLUMNS: &[SealedColumn] = &[
    SealedColumn { table: "system_jobs", key: Key::Uuid("id"), column: "payload", purpose: system_jobs::SEALED },
    SealedColumn { table: "pictures", key: Key::Uuid("user_id"), column: "sealed", purpose: identity::PICTURES },
    SealedColumn { table: "second_factors", key: Key::Uuid("user_id"), column: "sealed", purpose: identity::FACTORS },
    SealedColumn { table: "sign_ups", key: Key::Uuid("id"), column: "sealed", purpose: identity::SIGN_UPS },
];

impl SealedColumn {
    /// Reseals what is under older keys. Returns how many values.
    pub(super) async fn reseal(&self, control: &Control, master: &MasterKeys) -> Result<u64> {
        let (mut after, mut changed) = (None, 0);
        loop {
            let tx = control.begin().await?;
            let rows = self.page(&tx, after.take()).await?;
            let last = rows.last().map(|row| self.key.of(row)).transpose()?;
            for row in &rows {
                changed += u64::from(self.row(&tx, master, row).await?);
            }
            tx.commit().await?;
            match last {
                Some(key) => after = Some(key),
                None => return Ok(changed),
            }
        }
    }

    /// How many values are not under the newest key.
    pub(super) async fn left(&self, control: &Control, master: &MasterKeys) -> Result<u64> {
        let (mut after, mut left) = (None, 0);
        loop {
            let rows = self.page(control.read(), after.take()).await?;
            for row in &rows {
                left += u64::from(key_of(&sealed(row)?) != Some(master.newest().id()));
            }
            match rows.last() {
                Some(row) => after = Some(self.key.of(row)?),
                None => return Ok(left),
            }
        }
    }

    async fn page(&self, db: &impl ConnectionTrait, after: Option<Value>) -> Result<Vec<QueryResult>> {
        let Self { table, column, .. } = self;
        let key = self.key.name();
        let beyond = if after.is_some() { format!("AND {key} > $1") } else { String::new() };
        let sql = format!(
            "SELECT {key}, {column} FROM {table} WHERE {column} IS NOT NULL {beyond} ORDER BY {key} LIMIT {BATCH}"
        );
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, after);
        Ok(db.query_all_raw(statement).await?)
    }

    async fn row(&self, tx: &DatabaseTransaction, master: &MasterKeys, row: &QueryResult) -> Result<bool> {
        let old = sealed(row)?;
        if key_of(&old) == Some(master.newest().id()) {
            return Ok(false);
        }
        let Self { table, column, purpose, .. } = self;
        let purposes = [of_row(purpose, self.key.text(row)?), (*purpose).to_owned()];
        let opened = purposes.iter().find_map(|purpose| Some((purpose, master.unseal(purpose, &old)?)));
        let (purpose, clear) = opened
            .ok_or_else(|| Error::internal(format!("{table}.{column} holds what none of the master keys opens")))?;
        let new = master.seal(purpose, &clear)?;
        // whoever changed the row meanwhile used the newest key
        let sql = format!("UPDATE {table} SET {column} = $1 WHERE {} = $2 AND {column} = $3", self.key.name());
        let values = [new.into(), self.key.of(row)?, old.into()];
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
        Ok(tx.execute_raw(statement).await?.rows_affected() == 1)
    }
}

impl Key {
    pub(super) fn name(self) -> &'static str {
        match self {
            Key::Uuid(name) | Key::Text(name) => name,
        }
    }

    fn text(self, row: &QueryResult) -> Result<String> {
        Ok(match self {
            Key::Uuid(_) => row.try_get_by_index::<Uuid>(0)?.to_string(),
            Key::Text(_) => row.try_get_by_index(0)?,
        })
    }

    fn of(self, row: &QueryResult) -> Result<Value> {
        Ok(match self {
            Key::Uuid(_) => row.try_get_by_index::<Uuid>(0)?.into(),
            Key::Text(_) => row.try_get_by_index::<String>(0)?.into(),
        })
    }
}

fn sealed(row: &QueryResult) -> Result<Vec<u8>> {
    Ok(row.try_get_by_index(1)?)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::testing;

    /// Columns of bytes that are not sealed with a master key: hashes, and what a rotation handles itself.
    const OTHERS: &[&str] = &[
        "challenges.token_hash",
        "data_keys.wrapped",
        "email_changes.new_hash",
        "email_changes.old_hash",
        "key_checks.sealed",
        "recoveries.token_hash",
        "recovery_codes.code_hash",
        "sessions.refresh_hash",
        "sign_ups.token_hash",
        "trusted_devices.device_hash",
    ];

    #[tokio::test]
    async fn every_column_of_bytes_is_rotated_or_no_ciphertext() {
        let (registry, _) = testing::registry(Arc::new(testing::Bare)).await;
        let sql = match registry.control() {
            Control::Sqlite(_) => {
                "SELECT t.name || '.' || c.name FROM sqlite_schema AS t, pragma_table_info(t.name) AS c \
                 WHERE t.type = 'table' AND lower(c.type) = 'blob'"
            }
            Control::Postgres(_) => {
                "SELECT table_name || '.' || column_name FROM information_schema.columns \
                 WHERE table_schema = 'control' AND data_type = 'bytea'"
            }
        };
        let db = registry.control().read();
        let rows = db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
        let mut found: Vec<String> = rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect();
        found.sort_unstable();
        let sealed = COLUMNS.iter().map(|column| format!("{}.{}", column.table, column.column));
        let mut known: Vec<String> = OTHERS.iter().map(|name| (*name).to_owned()).chain(sealed).collect();
        known.sort_unstable();
        assert_eq!(found, known, "a column that is sealed stands in COLUMNS, any other one in OTHERS");
    }
}
