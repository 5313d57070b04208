//! What values are compared by: the content of the `_k` column beside the field's own column.

use super::{Value, email, phone};
use crate::{
    catalog::{Field, FieldKind},
    fold::fold_v1,
};

/// Longest key of a text that can be sorted, in bytes. A PostgreSQL index entry holds less than 2 704 bytes; longer
/// keys are compared by their beginning.
const LONGEST: usize = 2_000;

/// Whether columns of this type have a key column.
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

/// The content of a value's key column; `None` if the value is null or its type has no key.
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
        // a stored address is a text: it gives the same key, because a valid address is shown by its key
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

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{
            from_json,
            testing::{field, locale, tiers},
        },
        *,
    };

    #[test]
    fn kinds_with_a_key_column_have_keys_and_others_none() {
        for (kind, json, wanted) in [
            (FieldKind::Text, json!(" Łódź  A "), Some("lodz a")),
            (FieldKind::LongText, json!("A\nB"), Some("a b")),
            (FieldKind::Url, json!("https://Example.com/A"), Some("https://example.com/a")),
            (FieldKind::Email, json!("A@B.org"), Some("a@b.org")),
            (FieldKind::Phone, json!("0550 12 34 56"), Some("+213550123456")),
            (FieldKind::AutoNumber { prefix: "C-".into(), width: 4 }, json!("C-0001"), Some("c-0001")),
            (FieldKind::Select { options: tiers() }, json!("gold"), None),
            (FieldKind::Tags, json!(["a"]), None),
            (FieldKind::Integer, json!(1), None),
        ] {
            let field = field(kind);
            let value = from_json(&field, &json, &locale("DZ")).unwrap();
            assert_eq!(key(&field, &value).as_deref(), wanted, "{json}");
            assert_eq!(has_key(&field.kind), wanted.is_some(), "{json}");
            assert_eq!(key(&field, &Value::Null), None);
        }
    }

    #[test]
    fn an_address_at_rest_has_the_key_it_was_written_with() {
        let cases = [
            (FieldKind::Email, "A@MÜNCHEN.de"),
            (FieldKind::Email, ".A@b"),
            (FieldKind::Phone, "0550 12 34 56"),
            (FieldKind::Phone, "12"),
            (FieldKind::Phone, "See Notes"),
        ];
        for (kind, typed) in cases {
            let field = field(kind);
            let Ok(Value::Contact(contact)) = from_json(&field, &json!(typed), &locale("DZ")) else {
                panic!("{typed}")
            };
            let rest = Value::Text(contact.shown().to_owned());
            assert_eq!(key(&field, &rest), Some(contact.key), "{typed}");
        }
    }

    #[test]
    fn keys_fit_an_index_entry() {
        let field = field(FieldKind::Text);
        let wide = key(&field, &Value::Text("\u{fdfa}".repeat(1000))).unwrap();
        assert!(wide.len() <= LONGEST && wide.len() > LONGEST - 4);
    }
}
