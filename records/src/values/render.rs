//! Writes values for the API and for files. JSON is written straight into the bytes of the answer.

use serde_json::Value as Json;
use uuid::Uuid;

use super::{Money, PERCENT_SCALE, Target, Value, decimal, duration, moment, money};
use crate::catalog::{Field, FieldKind};

/// Writes a value as JSON: numbers with decimals as strings, dates and instants as RFC 3339, instants in UTC.
pub fn write_json(field: &Field, value: &Value, out: &mut Vec<u8>) {
    write_kind(&field.kind, value, out);
}

/// A value as JSON, as [`write_json`] writes it.
pub fn to_json(field: &Field, value: &Value) -> Json {
    json_of_kind(&field.kind, value)
}

/// A value as a cell of a file, which [`super::from_text`] can parse again; null is empty.
pub fn to_text(field: &Field, value: &Value) -> String {
    text_of_kind(&field.kind, value)
}

/// The text that [`to_text`] writes for a field of this type.
pub fn text_of_kind(kind: &FieldKind, value: &Value) -> String {
    let mut out = Vec::new();
    write_text(kind, value, &mut out);
    // everything above writes UTF-8, so nothing is lost
    String::from_utf8(out).unwrap_or_default()
}

fn write_kind(kind: &FieldKind, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => out.extend_from_slice(b"null"),
        Value::Bool(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
        Value::Int(number) if is_bare(kind) => decimal::write(*number, 0, out),
        Value::Int(number) => {
            out.push(b'"');
            write_number(kind, *number, out);
            out.push(b'"');
        }
        Value::Text(json) if *kind == FieldKind::Json => out.extend_from_slice(json.as_bytes()),
        Value::Text(_) if matches!(kind, FieldKind::Link { .. }) => {
            out.extend_from_slice(json_of_kind(kind, value).to_string().as_bytes());
        }
        Value::Text(text) => write_string(text, out),
        Value::Id(id) => write_id(*id, out),
        Value::List(words) => write_list(words, out, |word, out| write_string(word, out)),
        Value::Ids(ids) => write_list(ids, out, |id, out| write_id(*id, out)),
        Value::Pairs(_) => out.extend_from_slice(json_of_kind(kind, value).to_string().as_bytes()),
        Value::Money(money) => write_money(money, out),
        Value::Contact(contact) => write_string(contact.shown(), out),
    }
}

/// Numbers that are JSON numbers.
fn is_bare(kind: &FieldKind) -> bool {
    match kind {
        FieldKind::Integer | FieldKind::Rating { .. } => true,
        FieldKind::Rollup(rollup) => is_bare(&rollup.result),
        _ => false,
    }
}

fn write_number(kind: &FieldKind, number: i64, out: &mut Vec<u8>) {
    match kind {
        FieldKind::Decimal { scale } => decimal::write(number, *scale, out),
        FieldKind::Percent => decimal::write(number, PERCENT_SCALE, out),
        FieldKind::Money => decimal::write(number, money::SCALE, out),
        FieldKind::Date => moment::write_date(number, out),
        FieldKind::DateTime => moment::write_instant(number, out),
        FieldKind::Duration => duration::write(number, out),
        FieldKind::Rollup(rollup) => write_number(&rollup.result, number, out),
        _ => decimal::write(number, 0, out),
    }
}

fn write_list<T>(items: &[T], out: &mut Vec<u8>, write: impl Fn(&T, &mut Vec<u8>)) {
    out.push(b'[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write(item, out);
    }
    out.push(b']');
}

fn write_id(id: Uuid, out: &mut Vec<u8>) {
    let mut buffer = [0; 36];
    out.push(b'"');
    out.extend_from_slice(id.hyphenated().encode_lower(&mut buffer).as_bytes());
    out.push(b'"');
}

fn write_money(money: &Money, out: &mut Vec<u8>) {
    out.extend_from_slice(b"{\"amount\":\"");
    money::write_amount(money.amount, &money.currency, out);
    out.extend_from_slice(b"\",\"currency\":\"");
    out.extend_from_slice(&money.currency);
    out.extend_from_slice(b"\"}");
}

/// Writes a text as a JSON string; parts without escapes are copied whole.
pub fn write_string(text: &str, out: &mut Vec<u8>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let bytes = text.as_bytes();
    out.reserve(bytes.len() + 2);
    out.push(b'"');
    let mut copied = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[copied..at]);
        copied = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            0x08 => out.extend_from_slice(b"\\b"),
            0x0c => out.extend_from_slice(b"\\f"),
            _ => {
                let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
                out.extend_from_slice(b"\\u00");
                out.extend_from_slice(&digits);
            }
        }
    }
    out.extend_from_slice(&bytes[copied..]);
    out.push(b'"');
}

/// A value as JSON, for a field of this type.
pub fn json_of_kind(kind: &FieldKind, value: &Value) -> Json {
    match value {
        Value::Null => Json::Null,
        Value::Bool(yes) => Json::Bool(*yes),
        Value::Int(number) if is_bare(kind) => Json::from(*number),
        Value::Int(number) => Json::String(written(|out| write_number(kind, *number, out))),
        Value::Text(json) if *kind == FieldKind::Json => serde_json::from_str(json).unwrap_or(Json::Null),
        Value::Text(stored) if matches!(kind, FieldKind::Link { .. }) => {
            Target::parse(stored).map_or(Json::Null, Target::json)
        }
        Value::Text(text) => Json::String(text.clone()),
        Value::Id(id) => Json::String(id.to_string()),
        Value::List(words) => words.iter().map(String::as_str).collect(),
        Value::Ids(ids) => ids.iter().map(Uuid::to_string).collect(),
        Value::Pairs(pairs) => serde_json::json!({ "add": pairs.add, "remove": pairs.remove }),
        Value::Money(money) => serde_json::json!({
            "amount": money::amount_text(money.amount, &money.currency),
            "currency": money::code(&money.currency),
        }),
        Value::Contact(contact) => Json::String(contact.shown().to_owned()),
    }
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::with_capacity(32);
    write(&mut out);
    out.into_iter().map(char::from).collect()
}

fn write_text(kind: &FieldKind, value: &Value, out: &mut Vec<u8>) {
    match value {
        Value::Null => {}
        Value::Bool(yes) => out.extend_from_slice(if *yes { b"true" } else { b"false" }),
        Value::Int(number) => write_number(kind, *number, out),
        Value::Text(text) => out.extend_from_slice(text.as_bytes()),
        Value::Id(id) => out.extend_from_slice(id.hyphenated().encode_lower(&mut [0; 36]).as_bytes()),
        Value::List(words) => out.extend_from_slice(joined(words).as_bytes()),
        Value::Ids(ids) => {
            out.extend_from_slice(ids.iter().map(Uuid::to_string).collect::<Vec<_>>().join(",").as_bytes());
        }
        Value::Pairs(_) => write_kind(kind, value, out),
        Value::Money(money) => {
            money::write_amount(money.amount, &money.currency, out);
            out.push(b' ');
            out.extend_from_slice(&money.currency);
        }
        Value::Contact(contact) => out.extend_from_slice(contact.shown().as_bytes()),
    }
}

/// Words in one cell, joined by a separator that none of them contains; a single word that contains one is followed by
/// a stronger one.
fn joined(words: &[String]) -> String {
    let holds = |separator: char| words.iter().any(|word| word.contains(separator));
    let separator = match (holds('|'), holds(';'), holds(',')) {
        (false, false, false) => ',',
        (false, false, true) => ';',
        _ => '|',
    };
    let mut cell = words.join(&separator.to_string());
    if words.len() == 1 && separator != ',' {
        cell.push(separator);
    }
    cell
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{
        super::{
            Contact, from_json, from_text,
            testing::{field, locale, tiers},
        },
        *,
    };

    fn written(field: &Field, value: &Value) -> String {
        let mut out = Vec::new();
        write_json(field, value, &mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_kind_is_written() {
        let money = Value::Money(Money { amount: 125_000, currency: *b"EUR", base: 1 });
        let id = Uuid::from_u128(7);
        let odd = Value::Contact(Contact { typed: "x12".into(), key: "12".into(), valid: false });
        let good = Value::Contact(Contact { typed: "0550…".into(), key: "+213550123456".into(), valid: true });
        for (kind, value, json, text) in [
            (FieldKind::Text, Value::Null, json!(null), ""),
            (FieldKind::Text, Value::Text("a\"b\\\n\u{1}é".into()), json!("a\"b\\\n\u{1}é"), "a\"b\\\n\u{1}é"),
            (FieldKind::Boolean, Value::Bool(true), json!(true), "true"),
            (FieldKind::Integer, Value::Int(-5), json!(-5), "-5"),
            (FieldKind::Rating { max: 5 }, Value::Int(4), json!(4), "4"),
            (FieldKind::Decimal { scale: 3 }, Value::Int(1500), json!("1.500"), "1.500"),
            (FieldKind::Percent, Value::Int(-5), json!("-0.05"), "-0.05"),
            (FieldKind::Date, Value::Int(20_513), json!("2026-03-01"), "2026-03-01"),
            (FieldKind::DateTime, Value::Int(0), json!("1970-01-01T00:00:00Z"), "1970-01-01T00:00:00Z"),
            (FieldKind::Duration, Value::Int(5_400_000_000), json!("PT1H30M"), "PT1H30M"),
            (FieldKind::Money, money, json!({ "amount": "12.50", "currency": "EUR" }), "12.50 EUR"),
            (FieldKind::Json, Value::Text("{\"a\":[1]}".into()), json!({ "a": [1] }), "{\"a\":[1]}"),
            (FieldKind::Tags, Value::List(vec!["a".into(), "b".into()]), json!(["a", "b"]), "a,b"),
            (FieldKind::Id, Value::Id(id), json!(id), "00000000-0000-0000-0000-000000000007"),
            (FieldKind::Id, Value::Ids(vec![id]), json!([id]), "00000000-0000-0000-0000-000000000007"),
            (FieldKind::Phone, odd, json!("x12"), "x12"),
            (FieldKind::Phone, good, json!("+213550123456"), "+213550123456"),
        ] {
            let field = field(kind);
            assert_eq!(written(&field, &value), json.to_string());
            assert_eq!(to_json(&field, &value), json);
            assert_eq!(to_text(&field, &value), text);
        }
    }

    #[test]
    fn amounts_have_the_digits_of_their_currency() {
        for (amount, currency, text) in [
            (125_000, b"DZD", "12.50"),
            (125_001, b"DZD", "12.5001"),
            (120_000, b"JPY", "12"),
            (125_000, b"JPY", "12.5"),
            (125_000, b"TND", "12.500"),
            (-1, b"EUR", "-0.0001"),
            (0, b"EUR", "0.00"),
        ] {
            assert_eq!(money::amount_text(amount, currency), text);
        }
    }

    fn kinds() -> impl Strategy<Value = (FieldKind, Value)> {
        let numbers = prop_oneof![
            Just(FieldKind::Integer),
            (0u8..=9).prop_map(|scale| FieldKind::Decimal { scale }),
            Just(FieldKind::Percent),
            Just(FieldKind::Duration),
        ];
        let words = proptest::collection::vec("[a-zé][a-zé,; ]{0,8}[a-zé]", 1..5);
        prop_oneof![
            (numbers, any::<i64>()).prop_map(|(kind, number)| (kind, Value::Int(number))),
            (-719_162_i64..=2_932_896).prop_map(|day| (FieldKind::Date, Value::Int(day))),
            (-62_135_596_800_000_000_i64..253_402_300_800_000_000).prop_map(|at| (FieldKind::DateTime, Value::Int(at))),
            any::<bool>().prop_map(|yes| (FieldKind::Boolean, Value::Bool(yes))),
            any::<i64>().prop_map(|amount| {
                (FieldKind::Money, Value::Money(Money { amount, currency: *b"DZD", base: amount }))
            }),
            any::<u128>().prop_map(|id| (FieldKind::Id, Value::Id(Uuid::from_u128(id)))),
            "[!-~]([ -~é日]{0,20}[!-~])?".prop_map(|text| (FieldKind::Text, Value::Text(text))),
            words.prop_map(|words| {
                let json = serde_json::json!(words);
                (FieldKind::Tags, from_json(&field(FieldKind::Tags), &json, &locale("DZ")).unwrap())
            }),
            Just((FieldKind::Select { options: tiers() }, Value::Text("silver".into()))),
        ]
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again((kind, value) in kinds()) {
            let field = field(kind);
            let json: Json = serde_json::from_str(&written(&field, &value)).unwrap();
            prop_assert_eq!(&json, &to_json(&field, &value));
            for country in ["DZ", "US"] {
                prop_assert_eq!(from_json(&field, &json, &locale(country)), Ok(value.clone()));
                let cell = to_text(&field, &value);
                prop_assert_eq!(from_text(&field, &cell, &locale(country)), Ok((value.clone(), None)), "{}", cell);
            }
        }

        #[test]
        fn texts_are_escaped_as_json_wants(text in "\\PC{0,30}|[\\x00-\\x7f]{0,30}") {
            let mut out = Vec::new();
            write_string(&text, &mut out);
            prop_assert_eq!(out, serde_json::to_vec(&text).unwrap());
        }
    }
}
