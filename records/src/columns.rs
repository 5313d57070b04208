//! Which columns hold a field, and which of them is compared.

use crate::{
    catalog::{Cardinality, Field, FieldKind},
    values,
};

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stored {
    Bool,
    Int,
    Text,
    Id,
    /// A list of words: `text[]` on PostgreSQL, JSON on SQLite.
    List,
    /// Three columns: amount, currency (`_c`), amount in the base currency (`_b`).
    Money,
}

/// The type of a field's values; for a rollup, the type of its result.
pub fn kind_of_values(kind: &FieldKind) -> &FieldKind {
    match kind {
        FieldKind::Rollup(rollup) => kind_of_values(&rollup.result),
        other => other,
    }
}

/// How a type is stored; `None` for links without a column. A rollup of money is a number in the base currency.
pub(crate) fn stored(kind: &FieldKind) -> Option<Stored> {
    Some(match kind {
        FieldKind::Rollup(rollup) => match stored(&rollup.result)? {
            Stored::Money => Stored::Int,
            other => other,
        },
        FieldKind::Id => Stored::Id,
        FieldKind::Relation(relation) if relation.cardinality == Cardinality::ManyToOne => Stored::Id,
        FieldKind::Relation(_) => return None,
        FieldKind::Boolean => Stored::Bool,
        FieldKind::Integer
        | FieldKind::Decimal { .. }
        | FieldKind::Percent
        | FieldKind::Rating { .. }
        | FieldKind::Date
        | FieldKind::DateTime
        | FieldKind::Duration => Stored::Int,
        FieldKind::Money => Stored::Money,
        FieldKind::MultiSelect { .. } | FieldKind::Tags => Stored::List,
        FieldKind::Actor
        | FieldKind::Text
        | FieldKind::LongText
        | FieldKind::Select { .. }
        | FieldKind::Link { .. }
        | FieldKind::Email
        | FieldKind::Phone
        | FieldKind::Url
        | FieldKind::AutoNumber { .. }
        | FieldKind::Json => Stored::Text,
    })
}

/// How a field is stored; encrypted values are texts.
pub(crate) fn stored_of(field: &Field) -> Option<Stored> {
    if field.encryption.is_some() { Some(Stored::Text) } else { stored(&field.kind) }
}

/// Whether a field has a column of keys besides its own.
pub(crate) fn has_key(field: &Field) -> bool {
    if field.encryption.is_some() { field.encryption.has_equality() } else { values::has_key(&field.kind) }
}

/// The column by which a field is compared, as a suffix, and what that column holds: the fold of a text, the key of an
/// address, the amount of money in the base currency.
pub(crate) fn compared(field: &Field) -> Option<(&'static str, Stored)> {
    Some(match stored_of(field)? {
        Stored::Money => ("_b", Stored::Int),
        stored if field.rollup().is_none() && has_key(field) => ("_k", stored),
        stored => ("", stored),
    })
}

#[cfg(test)]
mod tests {
    use crate::{catalog::ddl, fixture};

    #[test]
    fn reads_compare_by_the_column_that_is_indexed() {
        for object in &fixture::catalog().objects {
            for field in object.fields.iter().filter(|field| !field.column.is_empty()) {
                let (suffix, _) = super::compared(field).unwrap();
                assert_eq!(format!("{}{suffix}", field.column), ddl::compared(field), "{}", field.name);
            }
        }
    }
}
