//! The values that a write puts into the physical columns of a field.

use entities::ids::RecordId;
use tenants::{
    Dialect,
    error::{Error, Result},
};

use crate::{
    catalog::{Field, FieldKind},
    columns::{self, Stored},
    sealing,
    values::{self, Value},
};

/// A physical column.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Column {
    /// Without quotes.
    pub name: String,
    pub sql: Stored,
}

impl Column {
    pub fn new(name: impl Into<String>, sql: Stored) -> Self {
        Self { name: name.into(), sql }
    }
}

/// The columns that a write of the field sets, the main one first; none for links that are stored elsewhere.
pub(crate) fn of(field: &Field) -> Vec<Column> {
    let Some(stored) = columns::stored_of(field) else { return Vec::new() };
    let main = if stored == Stored::Money { Stored::Int } else { stored };
    let mut columns = vec![Column::new(&field.column, main)];
    if columns::has_key(field) {
        columns.push(Column::new(format!("{}_k", field.column), Stored::Text));
    }
    if stored == Stored::Money {
        columns.push(Column::new(format!("{}_c", field.column), Stored::Text));
        columns.push(Column::new(format!("{}_b", field.column), Stored::Int));
    }
    columns
}

/// The column that identifies values: the key column, or the main one.
pub(crate) fn compared(field: &Field) -> String {
    let suffix = columns::compared(field).map_or("", |(suffix, _)| suffix);
    format!("{}{suffix}", field.column)
}

/// The value as the row will hold it: a valid address by its key, otherwise as typed.
pub(crate) fn at_rest(value: &Value) -> Value {
    match value {
        Value::Contact(contact) if contact.valid => Value::Text(contact.key.clone()),
        Value::Contact(contact) => Value::Text(contact.typed.clone()),
        Value::Text(text) if text.is_empty() => Value::Null,
        Value::List(words) if words.is_empty() => Value::Null,
        other => other.clone(),
    }
}

/// Adds the values for the columns of [`of`], in order, for one record.
///
/// # Errors
/// `INTERNAL` if the value is not of the field's type: its creator skipped `values`.
pub(crate) fn bind(
    dialect: Dialect,
    field: &Field,
    record: RecordId,
    value: &Value,
    out: &mut Vec<sea_orm::Value>,
) -> Result<()> {
    if field.encryption.is_some() {
        return bind_sealed(field, record, value, out);
    }
    let Some(sql) = columns::stored(&field.kind) else { return Ok(()) };
    let main = match (sql, value) {
        (_, Value::Null) => null(sql),
        (Stored::Id, Value::Id(id)) => sea_orm::Value::Uuid(Some(*id)),
        (Stored::Int, Value::Int(number)) => sea_orm::Value::BigInt(Some(*number)),
        (Stored::Money, Value::Money(money)) => sea_orm::Value::BigInt(Some(money.amount)),
        (Stored::Bool, Value::Bool(flag)) => sea_orm::Value::Bool(Some(*flag)),
        (Stored::Text, Value::Text(_) | Value::Contact(_)) => match at_rest(value) {
            Value::Text(text) => text.into(),
            _ => null(sql),
        },
        (Stored::List, Value::List(list)) if list.is_empty() => null(sql),
        (Stored::List, Value::List(list)) => words(dialect, list).into(),
        _ => return Err(Error::internal(format!("a value of field {} is not of its type", field.id))),
    };
    out.push(main);
    if values::has_key(&field.kind) {
        out.push(sea_orm::Value::String(values::key(field, value)));
    }
    if field.kind == FieldKind::Money {
        let money = match value {
            Value::Money(money) => Some(money),
            _ => None,
        };
        out.push(sea_orm::Value::String(money.map(|m| String::from_utf8_lossy(&m.currency).into_owned())));
        out.push(sea_orm::Value::BigInt(money.map(|m| m.base)));
    }
    Ok(())
}

fn bind_sealed(field: &Field, record: RecordId, value: &Value, out: &mut Vec<sea_orm::Value>) -> Result<()> {
    let sealed = match at_rest(value) {
        Value::Null => None,
        rest => Some(sealing::seal(field, record, &rest)?),
    };
    out.push(sea_orm::Value::String(sealed));
    if field.encryption.has_equality() {
        out.push(sea_orm::Value::String(sealing::hash(field, value)));
    }
    Ok(())
}

/// A null of a type.
pub(crate) fn null(sql: Stored) -> sea_orm::Value {
    match sql {
        Stored::Id => sea_orm::Value::Uuid(None),
        Stored::Int | Stored::Money => sea_orm::Value::BigInt(None),
        Stored::Text | Stored::List => sea_orm::Value::String(None),
        Stored::Bool => sea_orm::Value::Bool(None),
    }
}

/// A list as one text: JSON, or a PostgreSQL array literal, which the statement casts.
pub(crate) fn words(dialect: Dialect, list: &[String]) -> String {
    match dialect {
        Dialect::Sqlite => serde_json::Value::from(list).to_string(),
        Dialect::Postgres => {
            let mut out = String::from("{");
            for (i, word) in list.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                quote(word, &mut out);
            }
            out.push('}');
            out
        }
    }
}

/// An element of a PostgreSQL array literal.
pub(crate) fn quote(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}
