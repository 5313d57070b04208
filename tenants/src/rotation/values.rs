//! Columns of a tenant's space that are sealed with its data keys. Values under an older key are found by the first
//! bytes of the ciphertext and resealed row by row, beside readers and writers. A row that somebody changed meanwhile
//! is left alone: it uses the newest key then, or is found again.

use std::time::Instant;

use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
use sea_orm::{ConnectionTrait, QueryResult, TransactionSession, Value};
use uuid::Uuid;

use super::columns::Key;
use crate::{
    TenantDb, TenantTx,
    error::{Error, Result},
    keys::{KeyId, of_row},
    sign_on, work,
};

/// Rows resealed in one transaction.
const BATCH: u32 = 500;
/// Characters of a sealed text that identify its key.
const TELLING: usize = 7;

/// How sealed values are stored in a column.
#[derive(Clone, Copy, Debug)]
pub enum Form {
    /// As bytes.
    Bytes,
    /// As [`crate::keys::DataKeys::seal_text`] writes them.
    Text,
    /// The same after a prefix, in a column that also holds other texts.
    Marked(&'static str),
}

/// A column that is sealed with the tenant's data keys.
pub struct SealedValues<'a> {
    pub table: &'a str,
    /// Primary key.
    pub key: &'a [Key],
    pub column: &'a str,
    pub form: Form,
    /// The purposes that the value of a row may have been sealed for, from the texts of its primary key.
    pub purposes: &'a (dyn Fn(&[String]) -> Vec<String> + Send + Sync),
}

/// The beginnings of texts that were sealed with a key.
pub fn beginnings(id: KeyId) -> [String; 4] {
    let [a, b, c, d] = id.0.to_be_bytes();
    // the last character also holds two bits of what follows the key's id
    [0x00, 0x40, 0x80, 0xc0].map(|next| {
        let mut text = BASE64_STANDARD_NO_PAD.encode([1, a, b, c, d, next]);
        text.truncate(TELLING);
        text
    })
}

impl SealedValues<'_> {
    /// Reseals what is under older keys. Returns false if time ran out first.
    ///
    /// # Errors
    /// If the database does not answer, or a value cannot be unsealed.
    pub async fn reseal(&self, db: &TenantDb, until: Instant) -> Result<bool> {
        loop {
            let rows = self.older(db).await?;
            if rows.is_empty() {
                return Ok(true);
            }
            let tx = db.begin_write().await?;
            for row in &rows {
                self.row(db, &tx, row).await?;
            }
            tx.commit().await?;
            if Instant::now() > until {
                return Ok(false);
            }
        }
    }

    async fn older(&self, db: &TenantDb) -> Result<Vec<QueryResult>> {
        let Self { table, column, form, .. } = self;
        let current = db.key().current();
        let (condition, values): (String, Vec<Value>) = match form {
            Form::Bytes => {
                let header = [&[1][..], &current.0.to_be_bytes()].concat();
                (format!(r#"substr("{column}", 1, 5) <> $1"#), vec![header.into()])
            }
            Form::Text => (begins_otherwise(column, 1), beginnings(current).map(Value::from).into()),
            Form::Marked(mark) => {
                let begins = begins_otherwise(column, mark.len() + 1);
                (format!(r#""{column}" LIKE '{mark}%' AND {begins}"#), beginnings(current).map(Value::from).into())
            }
        };
        let key: Vec<String> = self.key.iter().map(|key| format!(r#""{}""#, key.name())).collect();
        let sql = format!(
            r#"SELECT {}, "{column}" FROM "tenant"."{table}" WHERE "{column}" IS NOT NULL AND {condition} LIMIT {BATCH}"#,
            key.join(", ")
        );
        Ok(db.query_all_raw(db.statement(sql, values)).await?)
    }

    async fn row(&self, db: &TenantDb, tx: &TenantTx, row: &QueryResult) -> Result<()> {
        let Self { table, column, .. } = self;
        let (mut key, mut names) = (Vec::new(), Vec::new());
        for (at, part) in self.key.iter().enumerate() {
            let (value, name) = match part {
                Key::Uuid(_) => row.try_get_by_index::<Uuid>(at).map(|id| (Value::from(id), id.to_string()))?,
                Key::Text(_) => row.try_get_by_index::<String>(at).map(|text| (Value::from(text.clone()), text))?,
            };
            key.push(value);
            names.push(name);
        }
        let purposes = (self.purposes)(&names);
        let damaged = || Error::internal(format!("a value in {table}.{column} cannot be unsealed"));
        let at = self.key.len();
        let (old, new): (Value, Value) = match self.form {
            Form::Bytes => {
                let old: Vec<u8> = row.try_get_by_index(at)?;
                let mut opened = None;
                for purpose in &purposes {
                    opened = opened.or(db.unseal(purpose, &old).await?.map(|clear| (purpose, clear)));
                }
                let (purpose, clear) = opened.ok_or_else(damaged)?;
                let new = db.key().seal(purpose, &clear)?;
                (old.into(), new.into())
            }
            Form::Text | Form::Marked(_) => {
                let mark = if let Form::Marked(mark) = self.form { mark } else { "" };
                let old: String = row.try_get_by_index(at)?;
                let sealed = old.strip_prefix(mark).ok_or_else(damaged)?;
                let mut purposes = purposes.iter();
                let opened = purposes.find_map(|for_it| Some((for_it, db.key().unseal_text(for_it, sealed).ok()?)));
                let (purpose, clear) = opened.ok_or_else(damaged)?;
                let new = format!("{mark}{}", db.key().seal_text(purpose, &clear)?);
                (old.into(), new.into())
            }
        };
        let mut sql = format!(r#"UPDATE "tenant"."{table}" SET "{column}" = $1 WHERE "{column}" = $2"#);
        for (at, part) in self.key.iter().enumerate() {
            sql.push_str(&format!(r#" AND "{}" = ${}"#, part.name(), at + 3));
        }
        tx.execute_raw(tx.statement(sql, [vec![new, old], key].concat())).await?;
        Ok(())
    }
}

fn begins_otherwise(column: &str, from: usize) -> String {
    format!(r#"substr("{column}", {from}, {TELLING}) NOT IN ($1, $2, $3, $4)"#)
}

/// The sealed columns of a tenant's system tables: table, primary key, column, form, and the purpose, with the key of
/// its row or without. Every column that stores what [`crate::keys::DataKeys`] sealed must be listed here, or it is
/// lost when its key is retired.
const SPACE: &[(&str, Key, &str, Form, &str)] = &[
    ("sign_on", Key::Text("name"), "secret", Form::Text, sign_on::SECRET),
    ("work", Key::Uuid("id"), "payload", Form::Bytes, work::SEALED),
];

/// Reseals the system tables, as [`SealedValues::reseal`] does.
///
/// # Errors
/// As [`SealedValues::reseal`].
pub async fn reseal_space(db: &TenantDb, until: Instant) -> Result<bool> {
    for (table, key, column, form, purpose) in SPACE {
        let purposes = |key: &[String]| vec![of_row(purpose, key.join(" ")), (*purpose).to_owned()];
        let values = SealedValues { table, key: &[*key], column, form: *form, purposes: &purposes };
        if !values.reseal(db, until).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use entities::ids::TenantId;

    use super::*;
    use crate::keys::{DataKeys, MasterKeys, Purpose};

    #[test]
    fn a_sealed_text_begins_as_its_key_says() {
        let (master, tenant) = (MasterKeys::from_hex(&"ab".repeat(32)).unwrap(), TenantId::new());
        for id in [1, 2, 255, 70_000, u32::MAX] {
            let held = Purpose::ALL.map(|purpose| master.new_key(tenant, purpose, KeyId(id)).unwrap());
            let keys = DataKeys::open(&master, tenant, &held).unwrap();
            for _ in 0..20 {
                let sealed = keys.seal_text("x", "y").unwrap();
                assert!(beginnings(KeyId(id)).contains(&sealed[..TELLING].to_owned()), "{id} {sealed}");
                assert!(!beginnings(KeyId(id ^ 1)).contains(&sealed[..TELLING].to_owned()), "{id} {sealed}");
            }
        }
    }
}
