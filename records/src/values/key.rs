//! What values are compared by: the content of the `_k` column beside a field's own.

use super::{Value, email, phone};
use crate::{
    catalog::{Field, FieldKind},
    fold::fold_v1,
};

/// Longest key of a text that can be sorted, in bytes. A PostgreSQL index entry holds less than 2 704; texts of the
/// widest scripts beyond that are compared by their beginning.
const LONGEST: usize = 2_000;

/// Whether columns of this kind have a key column.
pub fn has_key(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Text
        | FieldKind::LongText
        | FieldKind::Url
        | FieldKind::Email
        | FieldKind::Phone
        | FieldKind::AutoNumber { .. } => true,
        FieldKind::Rollup(rollup) => has_key(&rollup.result),
        _ => false,
    }
}

/// What a value's key column holds; none where the value is null or its kind has no key.
pub fn key(field: &Field, value: &Value) -> Option<String> {
    of_kind(&field.kind, value)
}

fn of_kind(kind: &FieldKind, value: &Value) -> Option<String> {
    match (kind, value) {
        (_, Value::Contact(contact)) => Some(contact.key.clone()),
        (FieldKind::Text | FieldKind::Url | FieldKind::AutoNumber { .. }, Value::Text(text)) => {
            Some(capped(fold_v1(text)))
        }
        (FieldKind::LongText, Value::Text(text)) => Some(fold_v1(text)),
        // At rest an address is a text: the same key comes out again, since what is shown of a valid one is its key.
        (FieldKind::Email, Value::Text(text)) => Some(email::parse(text).map_or_else(|_| fold_v1(text), |c| c.key)),
        (FieldKind::Phone, Value::Text(text)) => Some(phone::parse(text, "").key),
        (FieldKind::Rollup(rollup), value) => of_kind(&rollup.result, value),
        _ => None,
    }
}

fn capped(mut key: String) -> String {
    if key.len() > LONGEST {
        key.truncate(key.floor_char_boundary(LONGEST));
    }
    key
}
