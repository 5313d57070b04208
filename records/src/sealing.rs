//! Encrypted fields: how a value is sealed for its record and field, found by a keyed hash, and unsealed. All other
//! code works with plain values.

use entities::ids::{FieldId, RecordId};
use serde::{Serialize, de::DeserializeOwned};
use tenants::{
    error::{Code, Error, Result},
    keys::{DataKeys, Unopened},
};

use crate::{
    catalog::{Field, Object},
    values::{self, Value},
};

/// Marks sealed texts in columns that also hold plain texts.
pub(crate) const MARK: &str = "sealed:";

/// The stored text of a value in an encrypted field.
///
/// # Errors
/// `INTERNAL` if the catalog was read without keys.
pub(crate) fn seal(field: &Field, record: RecordId, value: &Value) -> Result<String> {
    text(keys(field)?, &purpose("field", field.id, record), value)
}

/// The value of a stored text in an encrypted field.
///
/// # Errors
/// `STALE_CATALOG` if another process has added a key since the catalog was read.
pub(crate) fn open(keys: &DataKeys, field: FieldId, record: RecordId, sealed: &str) -> Result<Value> {
    opened(keys, &purpose("field", field, record), sealed)
}

/// A field's change, as stored in the history.
///
/// # Errors
/// As [`seal`].
pub(crate) fn seal_change(field: &Field, record: RecordId, change: &(&Value, &Value)) -> Result<String> {
    Ok(format!("{MARK}{}", text(keys(field)?, &purpose("history", field.id, record), change)?))
}

/// Unseals what [`seal_change`] made.
///
/// # Errors
/// As [`open`].
pub(crate) fn open_change(field: &Field, record: RecordId, sealed: &str) -> Result<(Value, Value)> {
    let sealed = sealed.strip_prefix(MARK).ok_or_else(|| unopened(Unopened::Damaged))?;
    opened(keys(field)?, &purpose("history", field.id, record), sealed)
}

/// The hash that finds a value of an encrypted field; `None` if there is no value, or the field has no hashes.
pub(crate) fn hash(field: &Field, value: &Value) -> Option<String> {
    let keys = field.keys.as_ref().filter(|_| field.encryption.has_equality())?;
    let clear = match values::key(field, value) {
        Some(key) if key.is_empty() => return None,
        Some(key) => format!("text {key}"),
        None => match value {
            Value::Int(number) => format!("number {number}"),
            Value::Text(text) if !text.is_empty() => format!("text {text}"),
            _ => return None,
        },
    };
    Some(keys.equality_hash(&format!("equality {}", field.id), clear.as_bytes()))
}

/// A text that may contain values of an object's records: sealed if the object has encrypted fields.
pub(crate) fn guarded(keys: &DataKeys, object: Option<&Object>, purpose: &str, clear: String) -> Result<String> {
    let secret = object.is_some_and(|object| object.fields.iter().any(|field| field.encryption.is_some()));
    if secret { Ok(format!("{MARK}{}", keys.seal_text(purpose, &clear)?)) } else { Ok(clear) }
}

/// Unseals what [`guarded`] made.
///
/// # Errors
/// As [`open`].
pub(crate) fn unguarded(keys: &DataKeys, purpose: &str, text: String) -> Result<String> {
    match text.strip_prefix(MARK) {
        Some(sealed) => keys.unseal_text(purpose, sealed).map(|clear| clear.to_string()).map_err(unopened),
        None => Ok(text),
    }
}

fn keys(field: &Field) -> Result<&DataKeys> {
    field.keys.as_ref().ok_or_else(|| Error::internal(format!("field {} has no keys to seal it", field.id)))
}

/// The purpose that a value is sealed for.
pub(crate) fn purpose(what: &str, field: FieldId, record: RecordId) -> String {
    format!("{what} {field} {record}")
}

fn text(keys: &DataKeys, purpose: &str, clear: &impl Serialize) -> Result<String> {
    let clear = zeroize::Zeroizing::new(serde_json::to_string(clear).map_err(Error::internal)?);
    keys.seal_text(purpose, &clear)
}

fn opened<T: DeserializeOwned>(keys: &DataKeys, purpose: &str, sealed: &str) -> Result<T> {
    let clear = keys.unseal_text(purpose, sealed).map_err(unopened)?;
    serde_json::from_str(&clear).map_err(|_| Error::internal("an encrypted value cannot be parsed"))
}

fn unopened(reason: Unopened) -> Error {
    match reason {
        // the newest catalog comes with the newest keys
        Unopened::UnknownKey => Error::of(Code::StaleCatalog),
        Unopened::Damaged => Error::internal("an encrypted value cannot be unsealed"),
    }
}
