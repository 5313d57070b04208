//! The scalars of the API and their values. Ranges, calendars and options are checked where the field is known.

use serde_json::Value as Json;

/// A leaf type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    Id,
    String,
    Int,
    Float,
    Boolean,
    Int64,
    Decimal,
    Date,
    DateTime,
    Duration,
    Json,
}

impl Scalar {
    /// All of them.
    pub const ALL: [Scalar; 11] = [
        Scalar::Id,
        Scalar::String,
        Scalar::Int,
        Scalar::Float,
        Scalar::Boolean,
        Scalar::Int64,
        Scalar::Decimal,
        Scalar::Date,
        Scalar::DateTime,
        Scalar::Duration,
        Scalar::Json,
    ];

    /// Name in the API.
    pub fn name(self) -> &'static str {
        match self {
            Scalar::Id => "ID",
            Scalar::String => "String",
            Scalar::Int => "Int",
            Scalar::Float => "Float",
            Scalar::Boolean => "Boolean",
            Scalar::Int64 => "Int64",
            Scalar::Decimal => "Decimal",
            Scalar::Date => "Date",
            Scalar::DateTime => "DateTime",
            Scalar::Duration => "Duration",
            Scalar::Json => "JSON",
        }
    }

    /// Whether it is a standard scalar of GraphQL.
    pub fn is_built_in(self) -> bool {
        matches!(self, Scalar::Id | Scalar::String | Scalar::Int | Scalar::Float | Scalar::Boolean)
    }

    /// Description in the SDL.
    pub fn description(self) -> Option<&'static str> {
        match self {
            Scalar::Int64 => Some("A 64-bit integer, as a number or a string of digits."),
            Scalar::Decimal => Some("A decimal number as a string, such as \"12.50\"; numbers are accepted too."),
            Scalar::Date => Some("A calendar day, such as \"2026-02-28\"."),
            Scalar::DateTime => Some("An instant in RFC 3339, such as \"2026-02-28T09:30:00Z\"."),
            Scalar::Duration => Some("A duration in ISO 8601, such as \"PT1H30M\"."),
            Scalar::Json => Some("Any JSON value."),
            _ => None,
        }
    }

    /// The value for services, or `None` if it does not fit.
    pub fn coerce(self, value: &Json) -> Option<Json> {
        match (self, value) {
            (Scalar::Json, any) => Some(any.clone()),
            (Scalar::Id, Json::Number(number)) if number.is_i64() || number.is_u64() => {
                Some(Json::String(number.to_string()))
            }
            (Scalar::Id | Scalar::String, Json::String(_)) | (Scalar::Boolean, Json::Bool(_)) => Some(value.clone()),
            (Scalar::Date | Scalar::DateTime | Scalar::Duration, Json::String(_)) => Some(value.clone()),
            (Scalar::Int, Json::Number(number)) => {
                whole(number).filter(|int| i32::try_from(*int).is_ok()).map(Json::from)
            }
            (Scalar::Float, Json::Number(number)) => number.as_f64().map(Json::from),
            (Scalar::Int64, Json::Number(number)) => whole(number).map(Json::from),
            (Scalar::Int64, Json::String(text)) => text.parse::<i64>().ok().map(Json::from),
            (Scalar::Decimal, Json::String(_) | Json::Number(_)) => Some(value.clone()),
            _ => None,
        }
    }
}

/// The number as an integer; `1.0` is one, because JSON does not distinguish them.
fn whole(number: &serde_json::Number) -> Option<i64> {
    number.as_i64().or_else(|| {
        let float = number.as_f64()?;
        // beyond 2^53 a float does not identify an integer
        (float.fract() == 0.0 && float.abs() <= 9_007_199_254_740_992.0).then_some(float as i64)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn int_takes_whole_numbers_of_32_bits() {
        assert_eq!(Scalar::Int.coerce(&json!(7)), Some(json!(7)));
        assert_eq!(Scalar::Int.coerce(&json!(7.0)), Some(json!(7)));
        assert_eq!(Scalar::Int.coerce(&json!(7.5)), None);
        assert_eq!(Scalar::Int.coerce(&json!(3_000_000_000_i64)), None);
        assert_eq!(Scalar::Int.coerce(&json!("7")), None);
    }

    #[test]
    fn id_takes_integers_as_text_and_nothing_else_does() {
        assert_eq!(Scalar::Id.coerce(&json!(7)), Some(json!("7")));
        assert_eq!(Scalar::String.coerce(&json!(7)), None);
        assert_eq!(Scalar::Boolean.coerce(&json!("true")), None);
    }
}
