//! Comparisons with numbers that have more digits than their field keeps. Rounding one would move the border: no ratio
//! at two digits equals 3.135, and 3.14 is above it.

use std::cmp::Ordering;

use serde_json::Value as Json;

use crate::{
    catalog::{Field, FieldKind},
    columns::kind_of_values,
    values::{PERCENT_SCALE, decimal},
};

use super::Test;

/// What finds the same as a test whose numbers are rounded would, were they as they are written in `json`.
pub(super) fn exact(field: &Field, test: Test, json: &Json) -> Test {
    let kind = kind_of_values(&field.kind);
    let written = written(kind, json);
    match test {
        Test::Eq(_) if written.is_ne() => Test::In(Vec::new()),
        Test::Ne(_) if written.is_ne() => Test::NotIn(Vec::new()),
        Test::Gt(value) | Test::Gte(value) if written.is_lt() => Test::Gte(value),
        Test::Gt(value) | Test::Gte(value) if written.is_gt() => Test::Gt(value),
        Test::Lt(value) | Test::Lte(value) if written.is_lt() => Test::Lt(value),
        Test::Lt(value) | Test::Lte(value) if written.is_gt() => Test::Lte(value),
        other => other,
    }
}

/// Whether a number can be one of the field's values.
pub(super) fn is_exact(field: &Field, json: &Json) -> bool {
    written(kind_of_values(&field.kind), json).is_eq()
}

/// How a number as it is written compares with the one that it is rounded to.
fn written(kind: &FieldKind, json: &Json) -> Ordering {
    let scale = match kind {
        FieldKind::Decimal { scale } => *scale,
        FieldKind::Percent => PERCENT_SCALE,
        _ => return Ordering::Equal,
    };
    let text = match json {
        Json::String(text) => text.trim().to_owned(),
        other => other.to_string(),
    };
    decimal::parse_near(&text, scale).map_or(Ordering::Equal, |(_, written)| written)
}
