//! Values as the API takes them: strict notations, one per kind.

use serde_json::Value as Json;
use tenants::error::Issue;
use uuid::Uuid;

use super::{Locale, Value, decimal, duration, email, limits, moment, money, phone, select};
use crate::catalog::{Cardinality, Field, FieldKind, Relation};

/// Reads a value of the API. Null and blank texts are no value; an option that is no longer offered is read (so that
/// it can be searched for), and refused by [`super::validate`].
pub fn from_json(field: &Field, value: &Json, locale: &Locale) -> Result<Value, Issue> {
    of_kind(&field.kind, value, locale)
}

fn of_kind(kind: &FieldKind, json: &Json, locale: &Locale) -> Result<Value, Issue> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    match kind {
        FieldKind::Id => id(json).map(Value::Id),
        FieldKind::Text | FieldKind::Actor | FieldKind::AutoNumber { .. } => limits::line(text(json, "a text")?),
        FieldKind::LongText => limits::lines(text(json, "a text")?),
        FieldKind::Integer => number(json, 0, "a whole number"),
        FieldKind::Decimal { scale } => number(json, *scale, "a number like \"12.5\""),
        FieldKind::Percent => number(json, super::PERCENT_SCALE, "a percentage like \"12.5\""),
        FieldKind::Rating { .. } => number(json, 0, "a whole number"),
        FieldKind::Money => money::from_json(json, locale).map(Value::Money),
        FieldKind::Boolean => json.as_bool().map(Value::Bool).ok_or(Issue::WrongType("true or false".into())),
        FieldKind::Date => read(json, "a date like 2026-03-01", moment::iso_date),
        FieldKind::DateTime => {
            read(json, "a date and time like 2026-03-01T10:00:00Z", |text| moment::iso_instant(text, locale.time_zone))
        }
        FieldKind::Duration => read(json, "a duration like PT1H30M", duration::parse),
        FieldKind::Select { options } => {
            let key = text(json, "one of the options")?;
            Ok(Value::Text(select::by_key(options, key)?.value.clone()))
        }
        FieldKind::MultiSelect { options } => {
            let keys = texts(json, "a list of options")?;
            let chosen = keys.iter().map(|key| select::by_key(options, key)).collect::<Result<Vec<_>, _>>()?;
            Ok(select::several(options, &chosen))
        }
        FieldKind::Tags => limits::tags(texts(json, "a list of texts")?.into_iter()),
        FieldKind::Email => match text(json, "an email address")?.trim() {
            "" => Ok(Value::Null),
            text => email::parse(text).map(Value::Contact),
        },
        FieldKind::Phone => match text(json, "a phone number as text")?.trim() {
            "" => Ok(Value::Null),
            text => {
                limits::fits(text, limits::PHONE)?;
                Ok(Value::Contact(phone::parse(text, &locale.country)))
            }
        },
        FieldKind::Url => limits::url(text(json, "a text")?),
        FieldKind::Json => {
            let written = json.to_string();
            if written.len() > limits::JSON {
                Err(Issue::TooLarge("64 kB".to_owned()))
            } else {
                Ok(Value::Text(written))
            }
        }
        FieldKind::Relation(relation) => links(relation, json),
        FieldKind::Rollup(rollup) => of_kind(&rollup.result, json, locale),
    }
}

fn text<'a>(json: &'a Json, what: &'static str) -> Result<&'a str, Issue> {
    json.as_str().ok_or(Issue::WrongType(what.into()))
}

fn texts<'a>(json: &'a Json, what: &'static str) -> Result<Vec<&'a str>, Issue> {
    let list = json.as_array().ok_or(Issue::WrongType(what.into()))?;
    list.iter().map(|item| text(item, what)).collect()
}

/// A number given as JSON number or, so that no digit is lost on the way, as text.
fn number(json: &Json, scale: u8, what: &'static str) -> Result<Value, Issue> {
    let parsed = match json {
        Json::Number(number) => match number.as_i64() {
            Some(whole) => decimal::rescale(whole.into(), 0, scale).ok_or(beyond(whole < 0)),
            None => decimal::parse(&number.to_string(), scale),
        },
        Json::String(text) => decimal::parse(text.trim(), scale),
        _ => Err(decimal::Fault::Syntax),
    };
    let value = parsed.map_err(|fault| fault.issue(scale, what))?;
    if scale == 0 && !is_whole(json) {
        return Err(Issue::WrongType(what.into()));
    }
    Ok(Value::Int(value))
}

fn beyond(negative: bool) -> decimal::Fault {
    if negative { decimal::Fault::TooSmall } else { decimal::Fault::TooLarge }
}

/// Whole numbers are not rounded into being: `2.5` is no integer, `2.0` is.
fn is_whole(json: &Json) -> bool {
    match json {
        Json::Number(number) => number.as_f64().is_some_and(|float| float.fract() == 0.0),
        Json::String(text) => {
            let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, ""));
            exponent.is_empty()
                && mantissa.split_once('.').is_none_or(|(_, rest)| rest.trim().bytes().all(|b| b == b'0'))
        }
        _ => false,
    }
}

fn read(json: &Json, what: &'static str, parse: impl Fn(&str) -> Option<i64>) -> Result<Value, Issue> {
    json.as_str().and_then(|text| parse(text.trim())).map(Value::Int).ok_or(Issue::WrongType(what.into()))
}

fn id(json: &Json) -> Result<Uuid, Issue> {
    json.as_str().and_then(|text| text.trim().parse().ok()).ok_or(Issue::WrongType("an id".into()))
}

fn links(relation: &Relation, json: &Json) -> Result<Value, Issue> {
    match relation.cardinality {
        Cardinality::ManyToOne => id(json).map(Value::Id),
        Cardinality::OneToMany => Err(Issue::ReadOnly),
        Cardinality::ManyToMany => {
            let list = json.as_array().ok_or(Issue::WrongType("a list of ids".into()))?;
            if list.len() > limits::LINKS {
                return Err(Issue::TooLarge(limits::LINKS.to_string()));
            }
            let mut ids = list.iter().map(id).collect::<Result<Vec<_>, _>>()?;
            ids.sort_unstable();
            ids.dedup();
            Ok(Value::Ids(ids))
        }
    }
}
