//! Parses values from the API: strict notations, one per type.

use serde_json::Value as Json;
use tenants::error::Issue;
use uuid::Uuid;

use super::{Locale, Pairs, Value, actor, decimal, duration, email, limits, moment, money, phone, select};
use crate::catalog::{Cardinality, Field, FieldKind, Relation};

/// Parses a value from the API. Null and blank texts mean no value. A retired option is accepted here (so that it can
/// be searched), and refused by [`super::validate`].
pub fn from_json(field: &Field, value: &Json, locale: &Locale) -> Result<Value, Issue> {
    of_kind(&field.kind, value, locale)
}

fn of_kind(kind: &FieldKind, json: &Json, locale: &Locale) -> Result<Value, Issue> {
    if json.is_null() {
        return Ok(Value::Null);
    }
    match kind {
        FieldKind::Id => id(json).map(Value::Id),
        FieldKind::Actor => actor::from_json(json),
        FieldKind::Text | FieldKind::AutoNumber { .. } => limits::line(text(json, "a text")?),
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
        // by [`super::target_from_json`], which knows the objects
        FieldKind::Link { .. } => Err(Issue::NoSuchRecord),
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

/// A number given as JSON number or, to lose no digits on the way, as text.
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

/// Integers are not rounded: `2.5` is refused, `2.0` is accepted.
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
        Cardinality::ManyToMany => pairs(json),
    }
}

/// All targets of a link as a list, or an object that says which to `set`, or to `add` and `remove`.
fn pairs(json: &Json) -> Result<Value, Issue> {
    let Some(parts) = json.as_object() else { return several([json]).map(|[ids]| Value::Ids(ids)) };
    let part = |name: &str| parts.get(name).filter(|part| !part.is_null());
    let (all, add, remove) = (part("set"), part("add"), part("remove"));
    if let Some(all) = all {
        if add.is_some() || remove.is_some() {
            return Err(Issue::Rule("Give `set` alone, or `add` and `remove`.".to_owned()));
        }
        return several([all]).map(|[ids]| Value::Ids(ids));
    }
    let none = Json::Array(Vec::new());
    let [add, remove] = several([add.unwrap_or(&none), remove.unwrap_or(&none)])?;
    if let Some(both) = add.iter().find(|id| remove.binary_search(id).is_ok()) {
        return Err(Issue::Rule(format!("{both} is to be added and removed.")));
    }
    Ok(Value::Pairs(Pairs { add, remove }))
}

/// Lists of ids, each id once and in order; so many altogether that they fit into one value.
fn several<const N: usize>(lists: [&Json; N]) -> Result<[Vec<Uuid>; N], Issue> {
    let mut all = [const { Vec::new() }; N];
    let mut left = limits::LINKS;
    for (ids, json) in all.iter_mut().zip(lists) {
        let list = json.as_array().ok_or(Issue::WrongType("a list of ids".into()))?;
        left = left.checked_sub(list.len()).ok_or_else(|| Issue::TooLarge(limits::LINKS.to_string()))?;
        *ids = list.iter().map(id).collect::<Result<Vec<_>, _>>()?;
        ids.sort_unstable();
        ids.dedup();
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{
        super::{
            Money,
            testing::{field, locale, tiers},
        },
        *,
    };

    fn read(kind: FieldKind, json: Json) -> Result<Value, Issue> {
        from_json(&field(kind), &json, &locale("DZ"))
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn texts_are_tidied_and_bounded() {
        assert_eq!(read(FieldKind::Text, json!("  a\r\nb\tc ")), Ok(text("a b c")));
        assert_eq!(read(FieldKind::Text, json!(" \n ")), Ok(Value::Null));
        assert_eq!(read(FieldKind::Text, Json::Null), Ok(Value::Null));
        assert_eq!(read(FieldKind::Text, json!("é".repeat(1000))), Ok(text(&"é".repeat(1000))));
        assert_eq!(read(FieldKind::Text, json!("é".repeat(1001))), Err(Issue::TooLong("1000".to_owned())));
        assert_eq!(read(FieldKind::LongText, json!(" a\n b ")), Ok(text(" a\n b ")));
        assert!(matches!(read(FieldKind::LongText, json!("a".repeat(100_001))), Err(Issue::TooLong(_))));
        for kind in [FieldKind::Text, FieldKind::LongText, FieldKind::Url, FieldKind::Phone, FieldKind::Email] {
            assert!(matches!(read(kind.clone(), json!("a\0b")), Err(Issue::WrongType(_))), "{kind:?}");
            assert!(matches!(read(kind.clone(), json!(5)), Err(Issue::WrongType(_))), "{kind:?}");
        }
    }

    #[test]
    fn numbers_come_as_numbers_or_as_texts() {
        let scaled = FieldKind::Decimal { scale: 2 };
        for (kind, json, value) in [
            (FieldKind::Integer, json!(5), 5),
            (FieldKind::Integer, json!(-9_223_372_036_854_775_808_i64), i64::MIN),
            (FieldKind::Integer, json!("9223372036854775807"), i64::MAX),
            (FieldKind::Integer, json!(2.0), 2),
            (FieldKind::Integer, json!(" 7 "), 7),
            (scaled.clone(), json!(0.1), 10),
            (scaled.clone(), json!("12.345"), 1234),
            (scaled.clone(), json!(1e3), 100_000),
            (scaled.clone(), json!(7), 700),
            (FieldKind::Percent, json!("12.5"), 1250),
            (FieldKind::Rating { max: 5 }, json!(4), 4),
        ] {
            assert_eq!(read(kind, json.clone()), Ok(Value::Int(value)), "{json}");
        }
        for json in [json!(2.5), json!("2.5"), json!("1,5"), json!(""), json!(true), json!([1]), json!("1e3")] {
            assert!(matches!(read(FieldKind::Integer, json.clone()), Err(Issue::WrongType(_))), "{json}");
        }
        assert!(matches!(read(FieldKind::Integer, json!(u64::MAX)), Err(Issue::TooLarge(_))));
        assert!(matches!(read(FieldKind::Integer, json!(1e30)), Err(Issue::TooLarge(_))));
        assert!(matches!(read(scaled, json!(i64::MIN)), Err(Issue::TooSmall(_))));
    }

    #[test]
    fn money_has_a_currency_and_its_worth() {
        let money = |amount, currency: &[u8; 3], base| Ok(Value::Money(Money { amount, currency: *currency, base }));
        assert_eq!(read(FieldKind::Money, json!("12.50")), money(125_000, b"DZD", 125_000));
        assert_eq!(read(FieldKind::Money, json!(12.5)), money(125_000, b"DZD", 125_000));
        assert_eq!(
            read(FieldKind::Money, json!({ "amount": "2", "currency": "eur" })),
            money(20_000, b"EUR", 2_905_000)
        );
        assert_eq!(read(FieldKind::Money, json!({ "amount": "-0.0001", "currency": "USD" })), money(-1, b"USD", -134));
        let no_rate = read(FieldKind::Money, json!({ "amount": "1", "currency": "GBP" }));
        assert_eq!(no_rate, Err(Issue::NoExchangeRate("GBP".to_owned())));
        for json in [
            json!({}),
            json!({ "amount": "x" }),
            json!({ "amount": "1", "currency": "EURO" }),
            json!("1 EUR"),
            json!({ "amount": "1", "unit": "EUR" }),
            json!([]),
            json!(true),
        ] {
            assert!(matches!(read(FieldKind::Money, json.clone()), Err(Issue::WrongType(_))), "{json}");
        }
        let most = json!({ "amount": "922337203685477.5807", "currency": "EUR" });
        assert!(matches!(read(FieldKind::Money, most), Err(Issue::TooLarge(_))));
    }

    #[test]
    fn time_is_strict() {
        assert_eq!(read(FieldKind::Date, json!("2026-03-01")), Ok(Value::Int(20_513)));
        for json in [
            json!("2026-02-30"),
            json!("01/03/2026"),
            json!("2026-3-1"),
            json!("0000-01-01"),
            json!(0),
            json!("2026-03-01T00:00:00Z"),
            json!("+026-03-01"),
        ] {
            assert!(read(FieldKind::Date, json.clone()).is_err(), "{json}");
        }
        let noon = Value::Int(1_772_366_400_000_000);
        for written in [
            "2026-03-01T12:00:00Z",
            "2026-03-01T13:00:00+01:00",
            "2026-03-01T13:00:00",
            "2026-03-01 13:00",
            "2026-03-01T12:00:00.000000Z",
        ] {
            assert_eq!(read(FieldKind::DateTime, json!(written)), Ok(noon.clone()), "{written}");
        }
        assert_eq!(read(FieldKind::DateTime, json!("2026-03-01")), Ok(Value::Int(1_772_319_600_000_000)));
        for written in ["12:00", "2026-03-01T25:00:00Z", "2026-03-01T", "2026-03-01T12", "2026-03-0é", ""] {
            assert!(read(FieldKind::DateTime, json!(written)).is_err(), "{written}");
        }
        assert_eq!(read(FieldKind::Duration, json!("PT1H30M")), Ok(Value::Int(5_400_000_000)));
        assert!(read(FieldKind::Duration, json!("1:30")).is_err());
    }

    #[test]
    fn choices_go_by_key() {
        let one = FieldKind::Select { options: tiers() };
        let many = FieldKind::MultiSelect { options: tiers() };
        assert_eq!(read(one.clone(), json!("gold")), Ok(text("gold")));
        assert_eq!(read(one.clone(), json!("bronze")), Ok(text("bronze")));
        assert_eq!(read(one.clone(), json!("Gold")), Err(Issue::NotAnOption("gold, silver".to_owned())));
        assert!(matches!(read(one, json!(1)), Err(Issue::WrongType(_))));
        let both = Value::List(vec!["gold".to_owned(), "silver".to_owned()]);
        assert_eq!(read(many.clone(), json!(["silver", "gold", "silver"])), Ok(both));
        assert_eq!(read(many.clone(), json!([])), Ok(Value::Null));
        assert_eq!(read(many.clone(), json!(["x"])), Err(Issue::NotAnOption("gold, silver".to_owned())));
        assert!(matches!(read(many, json!("gold")), Err(Issue::WrongType(_))));
    }

    #[test]
    fn tags_are_words_each_once() {
        let tags = read(FieldKind::Tags, json!([" VIP ", "vip", "", "Été", "ete", "a, b"]));
        assert_eq!(tags, Ok(Value::List(vec!["VIP".to_owned(), "Été".to_owned(), "a, b".to_owned()])));
        let many: Vec<String> = (0..101).map(|n| n.to_string()).collect();
        assert_eq!(read(FieldKind::Tags, json!(many)), Err(Issue::TooLarge("100".to_owned())));
        assert_eq!(read(FieldKind::Tags, json!(["x".repeat(101)])), Err(Issue::TooLong("100".to_owned())));
        assert!(matches!(read(FieldKind::Tags, json!([1])), Err(Issue::WrongType(_))));
    }

    #[test]
    fn web_addresses_are_of_the_web() {
        for good in ["https://example.com/a?b#c", "HTTP://EXAMPLE.com", "https://münchen.de/ä", "http://localhost:8080"]
        {
            assert_eq!(read(FieldKind::Url, json!(good)), Ok(text(good)));
        }
        for bad in
            ["example.com", "ftp://a.b", "javascript:alert(1)", "https://", "http:// a.b", "https://a b.c", "data:,x"]
        {
            assert!(read(FieldKind::Url, json!(bad)).is_err(), "{bad}");
        }
        let long = format!("https://example.com/{}", "a".repeat(2000));
        assert_eq!(read(FieldKind::Url, json!(long)), Err(Issue::TooLong("2000".to_owned())));
    }

    #[test]
    fn json_is_kept_as_written() {
        assert_eq!(
            read(FieldKind::Json, json!({ "b": [1, null], "a": "\0" })),
            Ok(text(r#"{"b":[1,null],"a":"\u0000"}"#))
        );
        assert!(matches!(read(FieldKind::Json, json!("x".repeat(65_536))), Err(Issue::TooLarge(_))));
    }

    #[test]
    fn contacts_are_kept_with_their_key() {
        let Ok(Value::Contact(email)) = read(FieldKind::Email, json!(" A@B.org ")) else { panic!("no contact") };
        assert_eq!((email.typed.as_str(), email.key.as_str()), ("A@B.org", "a@b.org"));
        let Ok(Value::Contact(phone)) = read(FieldKind::Phone, json!("0550 12 34 56")) else { panic!("no contact") };
        assert_eq!((phone.shown(), phone.valid), ("+213550123456", true));
        assert_eq!(read(FieldKind::Phone, json!(" ")), Ok(Value::Null));
        assert!(matches!(read(FieldKind::Phone, json!("1".repeat(101))), Err(Issue::TooLong(_))));
    }
}
