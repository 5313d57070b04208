//! Values as they stand in the cells of files: every notation that people use and that can be told apart.

use tenants::error::Issue;

use super::{Locale, Value, Warning, decimal, duration, email, limits, moment, money, number, phone, select};
use crate::{
    catalog::{Cardinality, Field, FieldKind, Relation},
    fold::fold_v1,
};

/// Reads a cell. Nothing but blanks is no value; what is odd but kept comes with a warning.
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
        FieldKind::Money => {
            let (amount, currency) = money::split_text(text, locale);
            let amount = number::parse(amount, money::SCALE, money::minor_digits(&currency), locale)
                .map_err(|fault| fault.issue(money::SCALE, "an amount like 12.50 or 12.50 EUR"))?;
            money::of(amount, currency, locale).map(Value::Money)
        }
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
        FieldKind::Relation(relation) => links(relation, text),
        // Parted before: emails and phones bring warnings, rollups are of their result's kind.
        FieldKind::Email | FieldKind::Phone | FieldKind::Rollup(_) => limits::line(text),
    }
}

fn whole(text: &str, locale: &Locale) -> Result<Value, Issue> {
    const WHAT: &str = "a whole number";
    // At a scale of three, what rounding would hide is seen: 2.0 is whole, 2.4 is not.
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

/// The words of a cell, parted by the strongest separator in it: `|`, else `;`, else `,` (so that words may hold the
/// weaker ones).
fn words(text: &str) -> impl Iterator<Item = &str> {
    let separator = ['|', ';', ','].into_iter().find(|separator| text.contains(*separator)).unwrap_or(',');
    text.split(separator).map(str::trim).filter(|word| !word.is_empty())
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
