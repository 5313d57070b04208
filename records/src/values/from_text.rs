//! Parses values from the cells of files: every notation that people use, if it is not ambiguous.

use tenants::error::Issue;

use super::{Locale, Value, Warning, decimal, duration, email, limits, moment, money, number, phone, select};
use crate::{
    catalog::{Cardinality, Field, FieldKind, Relation},
    fold::fold_v1,
};

/// Parses a cell. Only blanks mean no value; a strange value that is kept comes with a warning.
pub fn from_text(field: &Field, text: &str, locale: &Locale) -> Result<(Value, Option<Warning>), Issue> {
    if text.trim().is_empty() {
        return Ok((Value::Null, None));
    }
    limits::fits(text, limits::LONG_TEXT)?;
    match plain(&field.kind) {
        FieldKind::Email => {
            let contact = email::parse(text)?;
            let warning = (!contact.valid).then_some(Warning::OddEmail);
            Ok((Value::Contact(contact), warning))
        }
        FieldKind::Phone => {
            limits::fits(text.trim(), limits::PHONE)?;
            let contact = phone::parse(text, &locale.country);
            let warning = (!contact.valid).then_some(Warning::OddPhone);
            Ok((Value::Contact(contact), warning))
        }
        kind => of_kind(kind, text.trim(), text, locale).map(|value| (value, None)),
    }
}

fn plain(kind: &FieldKind) -> &FieldKind {
    match kind {
        FieldKind::Rollup(rollup) => plain(&rollup.result),
        kind => kind,
    }
}

fn of_kind(kind: &FieldKind, text: &str, untrimmed: &str, locale: &Locale) -> Result<Value, Issue> {
    match kind {
        FieldKind::Id => id(text),
        FieldKind::Text | FieldKind::Actor | FieldKind::AutoNumber { .. } => limits::line(text),
        FieldKind::LongText => limits::lines(untrimmed),
        FieldKind::Integer | FieldKind::Rating { .. } => whole(text, locale),
        FieldKind::Decimal { scale } => decimal(text, *scale, locale, "a number like 12.5"),
        FieldKind::Percent => {
            let text = text.strip_suffix('%').unwrap_or(text).trim_end();
            decimal(text, super::PERCENT_SCALE, locale, "a percentage like 12.5")
        }
        FieldKind::Money => money::from_text(text, locale).map(Value::Money),
        FieldKind::Boolean => boolean(text).map(Value::Bool).ok_or(Issue::WrongType("yes or no".into())),
        FieldKind::Date => {
            moment::human_date(text, locale).map(Value::Int).ok_or(Issue::WrongType("a date like 2026-03-01".into()))
        }
        FieldKind::DateTime => moment::human_instant(text, locale)
            .map(Value::Int)
            .ok_or(Issue::WrongType("a date and time like 2026-03-01 10:00".into())),
        FieldKind::Duration => duration::parse_human(text)
            .map(Value::Int)
            .ok_or(Issue::WrongType("a duration like 1:30, 45 min or PT1H30M".into())),
        FieldKind::Select { options } => Ok(Value::Text(select::by_text(options, text)?.value.clone())),
        FieldKind::MultiSelect { options } => {
            let chosen = words(text).map(|word| select::by_text(options, word)).collect::<Result<Vec<_>, _>>()?;
            Ok(select::several(options, &chosen))
        }
        FieldKind::Tags => limits::tags(words(text)),
        FieldKind::Url => limits::url(text).or_else(|issue| with_scheme(text).ok_or(issue)),
        FieldKind::Json => {
            let json: serde_json::Value = serde_json::from_str(text).map_err(|_| Issue::WrongType("JSON".into()))?;
            if json.is_null() {
                return Ok(Value::Null);
            }
            let written = json.to_string();
            if written.len() > limits::JSON {
                Err(Issue::TooLarge("64 kB".to_owned()))
            } else {
                Ok(Value::Text(written))
            }
        }
        // by [`super::target_from_text`], which knows the objects
        FieldKind::Link { .. } => Err(Issue::NoSuchRecord),
        FieldKind::Relation(relation) => links(relation, text),
        // already handled: emails and phones have warnings, rollups have the type of their result
        FieldKind::Email | FieldKind::Phone | FieldKind::Rollup(_) => limits::line(text),
    }
}

fn whole(text: &str, locale: &Locale) -> Result<Value, Issue> {
    const WHAT: &str = "a whole number";
    // with a scale of three, decimals that rounding would hide can be seen: 2.0 is an integer, 2.4 is not
    match number::parse(text, 3, 0, locale) {
        Ok(thousandths) if thousandths % 1000 == 0 => Ok(Value::Int(thousandths / 1000)),
        Ok(_) => Err(Issue::WrongType(WHAT.into())),
        Err(_) => number::parse(text, 0, 0, locale).map(Value::Int).map_err(|fault| fault.issue(0, WHAT)),
    }
}

fn decimal(text: &str, scale: u8, locale: &Locale, what: &'static str) -> Result<Value, Issue> {
    number::parse(text, scale, scale.max(1), locale)
        .map(Value::Int)
        .map_err(|fault: decimal::Fault| fault.issue(scale, what))
}

/// Yes and no in English, French and Spanish, and as programs write them.
fn boolean(text: &str) -> Option<bool> {
    match fold_v1(text).as_str() {
        "true" | "t" | "yes" | "y" | "1" | "on" | "x" | "oui" | "o" | "vrai" | "si" | "s" | "verdadero" | "✓" | "✔" => {
            Some(true)
        }
        "false" | "f" | "no" | "n" | "0" | "off" | "non" | "faux" | "falso" | "✗" | "✘" => Some(false),
        _ => None,
    }
}

/// The words of a cell, split at the strongest separator in it: `|`, else `;`, else `,` (so that words may contain the
/// weaker ones).
fn words(text: &str) -> impl Iterator<Item = &str> {
    let separator = ['|', ';', ','].into_iter().find(|separator| text.contains(*separator)).unwrap_or(',');
    text.split(separator).map(str::trim).filter(|word| word.contains(|c| !matches!(c, '|' | ';' | ',' | ' ')))
}

/// `www.example.com/shop` means `https://www.example.com/shop`.
fn with_scheme(text: &str) -> Option<Value> {
    let host = text.split(['/', '?', '#']).next().unwrap_or(text);
    let plausible = host.contains('.') && !host.contains(['@', ':']) && !host.starts_with('.') && !host.ends_with('.');
    if !plausible || text.contains("://") {
        return None;
    }
    limits::url(&format!("https://{text}")).ok()
}

fn id(text: &str) -> Result<Value, Issue> {
    text.parse().map(Value::Id).map_err(|_| Issue::WrongType("an id".into()))
}

fn links(relation: &Relation, text: &str) -> Result<Value, Issue> {
    match relation.cardinality {
        Cardinality::ManyToOne => id(text),
        Cardinality::OneToMany => Err(Issue::ReadOnly),
        Cardinality::ManyToMany => {
            let mut ids = words(text)
                .map(str::parse)
                .collect::<Result<Vec<uuid::Uuid>, _>>()
                .map_err(|_| Issue::WrongType("a list of ids".into()))?;
            if ids.len() > limits::LINKS {
                return Err(Issue::TooLarge(limits::LINKS.to_string()));
            }
            ids.sort_unstable();
            ids.dedup();
            Ok(Value::Ids(ids))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{
            Money,
            testing::{field, locale, tiers},
        },
        *,
    };

    fn read_in(country: &str, kind: FieldKind, text: &str) -> Result<Value, Issue> {
        from_text(&field(kind), text, &locale(country)).map(|(value, _)| value)
    }

    fn read(kind: FieldKind, text: &str) -> Result<Value, Issue> {
        read_in("DZ", kind, text)
    }

    #[test]
    fn an_empty_cell_is_no_value() {
        let kinds = [FieldKind::Text, FieldKind::Integer, FieldKind::Date, FieldKind::Email, FieldKind::Tags];
        for kind in kinds {
            assert_eq!(read(kind.clone(), ""), Ok(Value::Null));
            assert_eq!(read(kind, " \t\u{a0}"), Ok(Value::Null));
        }
    }

    #[test]
    fn whole_numbers() {
        for (text, number) in [
            ("5", 5),
            (" -5 ", -5),
            ("1 234", 1234),
            ("1.234", 1234),
            ("1,234", 1234),
            ("2.0", 2),
            ("2,00", 2),
            ("9223372036854775807", i64::MAX),
        ] {
            assert_eq!(read(FieldKind::Integer, text), Ok(Value::Int(number)), "{text}");
        }
        for text in ["2.4", "2,5", "x", "1 2", "1.23.4"] {
            assert!(matches!(read(FieldKind::Integer, text), Err(Issue::WrongType(_))), "{text}");
        }
        assert!(matches!(read(FieldKind::Integer, "9223372036854775808"), Err(Issue::TooLarge(_))));
        assert_eq!(read(FieldKind::Rating { max: 5 }, "4"), Ok(Value::Int(4)));
        assert_eq!(read(FieldKind::Percent, "12,5 %"), Ok(Value::Int(1250)));
        assert_eq!(read(FieldKind::Percent, "0.125"), Ok(Value::Int(12)));
    }

    #[test]
    fn amounts_with_and_without_currency() {
        let money = |amount, currency: &[u8; 3], base| Ok(Value::Money(Money { amount, currency: *currency, base }));
        for (text, country, value) in [
            ("12,50", "DZ", money(125_000, b"DZD", 125_000)),
            ("1 234,50 DA", "DZ", money(12_345_000, b"DZD", 12_345_000)),
            ("DZD 12", "DZ", money(120_000, b"DZD", 120_000)),
            ("12.50 EUR", "DZ", money(125_000, b"EUR", 18_156_250)),
            ("€12.50", "DZ", money(125_000, b"EUR", 18_156_250)),
            ("12,50€", "DZ", money(125_000, b"EUR", 18_156_250)),
            ("-$5", "US", money(-50_000, b"USD", -6_725_000)),
            ("(€ 5.00)", "US", money(-50_000, b"EUR", -7_262_500)),
            ("$ -5", "US", money(-50_000, b"USD", -6_725_000)),
            ("(5.00) usd", "US", money(-50_000, b"USD", -6_725_000)),
            ("1.234", "FR", money(12_340_000, b"DZD", 12_340_000)),
            ("12 GBP", "DZ", Err(Issue::NoExchangeRate("GBP".to_owned()))),
        ] {
            assert_eq!(read_in(country, FieldKind::Money, text), value, "{text}");
        }
        for text in ["EUR", "twelve", "12 EUR EUR", "1e5000", "12 XX", "--5", "(-5)", "-"] {
            assert!(read(FieldKind::Money, text).is_err(), "{text}");
        }
    }

    #[test]
    fn yes_and_no() {
        for text in ["true", "Yes", "OUI", "Sí", "vrai", "1", "x", "✓"] {
            assert_eq!(read(FieldKind::Boolean, text), Ok(Value::Bool(true)), "{text}");
        }
        for text in ["FALSE", "no", "Non", "faux", "0", "falso"] {
            assert_eq!(read(FieldKind::Boolean, text), Ok(Value::Bool(false)), "{text}");
        }
        assert!(read(FieldKind::Boolean, "maybe").is_err());
    }

    #[test]
    fn choices_by_key_or_any_label() {
        let one = FieldKind::Select { options: tiers() };
        for text in ["gold", " GOLD ", "Doré", "dore", "oro"] {
            assert_eq!(read(one.clone(), text), Ok(Value::Text("gold".to_owned())), "{text}");
        }
        assert_eq!(read(one.clone(), "Bronce"), Ok(Value::Text("bronze".to_owned())));
        assert_eq!(read(one, "tin"), Err(Issue::NotAnOption("gold, silver".to_owned())));
        let many = read(FieldKind::MultiSelect { options: tiers() }, "Plata; Doré");
        assert_eq!(many, Ok(Value::List(vec!["gold".to_owned(), "silver".to_owned()])));
    }

    #[test]
    fn tags_are_parted_by_the_strongest_separator() {
        for (text, words) in [
            ("vip, nord", vec!["vip", "nord"]),
            ("vip;nord;", vec!["vip", "nord"]),
            ("a, b | c", vec!["a, b", "c"]),
            ("one word", vec!["one word"]),
        ] {
            let words = words.into_iter().map(str::to_owned).collect();
            assert_eq!(read(FieldKind::Tags, text), Ok(Value::List(words)), "{text}");
        }
        assert_eq!(read(FieldKind::Tags, " , ; "), Ok(Value::Null));
    }

    #[test]
    fn web_addresses_may_leave_out_their_scheme() {
        assert_eq!(read(FieldKind::Url, "www.example.com/a"), Ok(Value::Text("https://www.example.com/a".to_owned())));
        assert_eq!(read(FieldKind::Url, "http://a.b"), Ok(Value::Text("http://a.b".to_owned())));
        for text in ["n/a", "see notes.", "a@b.org", "ftp://a.b", "javascript:alert(1)", "www.a b.com"] {
            assert!(read(FieldKind::Url, text).is_err(), "{text}");
        }
    }

    #[test]
    fn odd_contacts_warn_and_impossible_emails_are_refused() {
        let warning = |kind, text: &str| from_text(&field(kind), text, &locale("DZ")).map(|(_, warning)| warning);
        assert_eq!(warning(FieldKind::Phone, "0550 12 34 56"), Ok(None));
        assert_eq!(warning(FieldKind::Phone, "+453 3331 9991"), Ok(Some(Warning::OddPhone)));
        assert_eq!(warning(FieldKind::Email, "a@b.org"), Ok(None));
        assert_eq!(warning(FieldKind::Email, "a@localhost"), Ok(Some(Warning::OddEmail)));
        assert!(warning(FieldKind::Email, "none").is_err());
    }

    #[test]
    fn json_and_ids() {
        assert_eq!(read(FieldKind::Json, "{ \"a\": 1 }"), Ok(Value::Text("{\"a\":1}".to_owned())));
        assert_eq!(read(FieldKind::Json, "null"), Ok(Value::Null));
        assert!(read(FieldKind::Json, "{").is_err());
        assert!(read(FieldKind::Id, "x").is_err());
        assert_eq!(read(FieldKind::Id, "00000000-0000-0000-0000-000000000000"), Ok(Value::Id(uuid::Uuid::nil())));
    }

    #[test]
    fn what_cannot_be_stored_is_refused() {
        assert!(read(FieldKind::Text, "a\0").is_err());
        assert!(read(FieldKind::Text, &"a".repeat(1001)).is_err());
        assert!(read(FieldKind::Integer, &"1".repeat(200_000)).is_err());
    }
}
