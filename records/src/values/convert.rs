//! Converts a value to another type, for fields whose type changes. The value's text is parsed as an import would parse
//! it; numbers and days, whose texts can be misread, are converted directly.

use super::{Locale, Money, PERCENT_SCALE, Value, decimal, from_text, money, text_of_kind, validate};
use crate::{
    calendar,
    catalog::{Field, FieldKind},
};

/// The result of a conversion.
#[derive(Clone, Debug, PartialEq)]
pub enum Converted {
    /// All of it is kept.
    Kept(Value),
    /// Decimals or the time of day were lost.
    Coarser(Value),
    /// The new type or the field's rules do not accept it.
    Lost,
}

/// Whether values of a type can be converted to another type at all, and why not.
///
/// # Errors
/// The reason, as a sentence.
pub fn convertible(from: &FieldKind, to: &FieldKind) -> Result<(), &'static str> {
    match (from, to) {
        (FieldKind::Relation(_) | FieldKind::Link { .. }, _) | (_, FieldKind::Relation(_) | FieldKind::Link { .. }) => {
            Err("links cannot be converted; create a new field, and delete this one")
        }
        (FieldKind::Rollup(_), _) | (_, FieldKind::Rollup(_)) => {
            Err("rollups are computed and cannot be converted; create a new field, and delete this one")
        }
        (_, FieldKind::AutoNumber { .. }) => {
            Err("automatic numbers are assigned by the system and cannot be converted")
        }
        (FieldKind::Id | FieldKind::Actor, _) | (_, FieldKind::Id | FieldKind::Actor) => {
            Err("ids and actors are the system's")
        }
        _ => Ok(()),
    }
}

/// A stored value of type `from`, as the field `to` would hold it.
pub fn convert(from: &FieldKind, to: &Field, value: &Value, locale: &Locale) -> Converted {
    let converted = match (from, value) {
        (_, Value::Null) => return Converted::Kept(Value::Null),
        (FieldKind::DateTime, Value::Int(instant)) if to.kind == FieldKind::Date => {
            let day = calendar::day_number(calendar::local_date(*instant, locale.time_zone));
            Converted::Coarser(Value::Int(day))
        }
        _ => match (number(from, value, locale), scale(&to.kind)) {
            (Some((number, at)), Some(scale)) => rescaled(number, at, scale, &to.kind, locale),
            _ => match from_text(to, &text_of_kind(from, value), locale) {
                Ok((value, _)) => Converted::Kept(value),
                Err(_) => Converted::Lost,
            },
        },
    };
    match &converted {
        Converted::Kept(value) | Converted::Coarser(value) if validate(to, value).is_some() => Converted::Lost,
        _ => converted,
    }
}

/// A number with its scale; an amount counts as a number if it is in the base currency.
fn number(kind: &FieldKind, value: &Value, locale: &Locale) -> Option<(i64, u8)> {
    match value {
        Value::Int(number) => Some((*number, scale(kind)?)),
        Value::Money(money) if money.currency == locale.currency => Some((money.amount, money::SCALE)),
        _ => None,
    }
}

fn scale(kind: &FieldKind) -> Option<u8> {
    match kind {
        FieldKind::Integer | FieldKind::Rating { .. } => Some(0),
        FieldKind::Decimal { scale } => Some(*scale),
        FieldKind::Percent => Some(PERCENT_SCALE),
        FieldKind::Money => Some(money::SCALE),
        _ => None,
    }
}

fn rescaled(number: i64, from: u8, to: u8, kind: &FieldKind, locale: &Locale) -> Converted {
    let Some(result) = decimal::rescale(i128::from(number), from, to) else { return Converted::Lost };
    let same = decimal::rescale(i128::from(result), to, from) == Some(number);
    let value = match kind {
        FieldKind::Money => Value::Money(Money { amount: result, currency: locale.currency, base: result }),
        _ => Value::Int(result),
    };
    if same { Converted::Kept(value) } else { Converted::Coarser(value) }
}

#[cfg(test)]
mod tests {
    use super::{
        super::testing::{field, locale, tiers},
        *,
    };

    fn become_of(from: FieldKind, value: Value, to: FieldKind) -> Converted {
        convert(&from, &field(to), &value, &locale("FR"))
    }

    fn text(text: &str) -> Value {
        Value::Text(text.to_owned())
    }

    #[test]
    fn texts_are_read_as_an_import_reads_them() {
        let read = |value: &str, to| become_of(FieldKind::Text, text(value), to);
        assert_eq!(read("1 234,5", FieldKind::Decimal { scale: 2 }), Converted::Kept(Value::Int(123_450)));
        assert_eq!(read("14/03/2026", FieldKind::Date), Converted::Kept(Value::Int(20_526)));
        assert_eq!(read("gold", FieldKind::Select { options: tiers() }), Converted::Kept(text("gold")));
        assert_eq!(read("Oui", FieldKind::Boolean), Converted::Kept(Value::Bool(true)));
        for to in [FieldKind::Integer, FieldKind::Date, FieldKind::Select { options: tiers() }, FieldKind::Email] {
            assert_eq!(read("about twelve", to.clone()), Converted::Lost, "{to:?}");
        }
        assert_eq!(read("9", FieldKind::Rating { max: 5 }), Converted::Lost);
    }

    #[test]
    fn numbers_keep_their_worth_whatever_their_country() {
        let three = FieldKind::Decimal { scale: 3 };
        let of = |number, to| become_of(three.clone(), Value::Int(number), to);
        assert_eq!(of(1_234, FieldKind::Decimal { scale: 4 }), Converted::Kept(Value::Int(12_340)));
        assert_eq!(of(1_234, FieldKind::Decimal { scale: 2 }), Converted::Coarser(Value::Int(123)));
        assert_eq!(of(2_000, FieldKind::Integer), Converted::Kept(Value::Int(2)));
        assert_eq!(of(1_234, FieldKind::Text), Converted::Kept(text("1.234")));
        assert_eq!(
            become_of(FieldKind::Integer, Value::Int(i64::MAX), FieldKind::Decimal { scale: 2 }),
            Converted::Lost
        );
        let money = |amount, currency| Value::Money(Money { amount, currency, base: 1 });
        assert_eq!(
            become_of(FieldKind::Money, money(125_000, *b"DZD"), FieldKind::Decimal { scale: 2 }),
            Converted::Kept(Value::Int(1_250))
        );
        assert_eq!(become_of(FieldKind::Money, money(1, *b"EUR"), FieldKind::Integer), Converted::Lost);
    }

    #[test]
    fn instants_become_the_days_of_the_organisation() {
        // 23:30 UTC is the next day in Algiers
        let late = Value::Int(1_773_531_000_000_000);
        assert_eq!(become_of(FieldKind::DateTime, late, FieldKind::Date), Converted::Coarser(Value::Int(20_527)));
        let midnight = become_of(FieldKind::Date, Value::Int(20_527), FieldKind::DateTime);
        assert_eq!(midnight, Converted::Kept(Value::Int(1_773_529_200_000_000)));
    }

    #[test]
    fn links_totals_and_numbers_of_the_system_do_not_convert() {
        let auto = FieldKind::AutoNumber { prefix: String::new(), width: 3 };
        assert!(convertible(&FieldKind::Text, &auto).is_err());
        assert!(convertible(&auto, &FieldKind::Text).is_ok());
        assert!(convertible(&FieldKind::Id, &FieldKind::Text).is_err());
    }
}
