//! The limits of a field's validation: least and greatest value or length, pattern, options.

use std::{cmp::Ordering, sync::LazyLock};

use quick_cache::sync::Cache;
use regex::{Regex, RegexBuilder};
use tenants::error::Issue;

use super::{PERCENT_SCALE, Value, decimal, duration, limits, moment, money, select};
use crate::catalog::{Field, FieldKind, Validation};

/// What is wrong with a value by its field's rules; whether a value is required is not checked here.
pub fn validate(field: &Field, value: &Value) -> Option<Issue> {
    of_kind(&field.kind, value, &field.validation)
}

fn of_kind(kind: &FieldKind, value: &Value, rules: &Validation) -> Option<Issue> {
    match (kind, value) {
        (_, Value::Null) => None,
        (FieldKind::Rollup(rollup), value) => of_kind(&rollup.result, value, rules),
        (FieldKind::Select { options }, Value::Text(key)) => {
            let offered = options.iter().any(|choice| choice.value == *key && !choice.retired);
            (!offered).then(|| select::not_an_option(options))
        }
        (FieldKind::MultiSelect { options }, Value::List(keys)) => {
            let offered = |key: &String| options.iter().any(|choice| choice.value == *key && !choice.retired);
            if keys.iter().all(offered) { count(keys.len(), rules) } else { Some(select::not_an_option(options)) }
        }
        (FieldKind::Rating { max }, Value::Int(stars)) => {
            if *stars < 1 {
                Some(Issue::TooSmall("1".to_owned()))
            } else if *stars > i64::from(*max) {
                Some(Issue::TooLarge(max.to_string()))
            } else {
                range(kind, *stars, rules)
            }
        }
        (_, Value::Int(number)) => range(kind, *number, rules),
        (_, Value::Money(money)) => range(kind, money.amount, rules),
        (FieldKind::Json, Value::Text(json)) => {
            (json.len() > limits::JSON).then(|| Issue::TooLarge("64 kB".to_owned()))
        }
        (_, Value::Text(text)) => limits::fits(text, most(kind)).err().or_else(|| self::text(text, rules)),
        (_, Value::Contact(contact)) => text(&contact.typed, rules),
        (_, Value::List(words)) => {
            count(words.len(), rules).or_else(|| words.iter().find_map(|word| pattern(word, rules)))
        }
        (_, Value::Bool(_) | Value::Id(_) | Value::Ids(_) | Value::Pairs(_)) => None,
    }
}

/// Most characters that a text of this type may have at all.
fn most(kind: &FieldKind) -> usize {
    match kind {
        FieldKind::LongText => limits::LONG_TEXT,
        FieldKind::Url => limits::URL,
        _ => limits::TEXT,
    }
}

fn text(text: &str, rules: &Validation) -> Option<Issue> {
    let length = if rules.min.is_some() || rules.max.is_some() { text.chars().count() } else { 0 };
    let issue = count(length, rules).map(|issue| match issue {
        Issue::TooSmall(least) => Issue::TooShort(least),
        Issue::TooLarge(most) => Issue::TooLong(most),
        other => other,
    });
    issue.or_else(|| pattern(text, rules))
}

fn count(count: usize, rules: &Validation) -> Option<Issue> {
    let limit = |text: &Option<String>| text.as_deref().and_then(|text| text.parse::<usize>().ok());
    between(count.cmp(&limit(&rules.min).unwrap_or(0)), count.cmp(&limit(&rules.max).unwrap_or(usize::MAX)), rules)
}

fn range(kind: &FieldKind, number: i64, rules: &Validation) -> Option<Issue> {
    let limit = |text: &Option<String>| text.as_deref().and_then(|text| bound(kind, text));
    between(
        number.cmp(&limit(&rules.min).unwrap_or(i64::MIN)),
        number.cmp(&limit(&rules.max).unwrap_or(i64::MAX)),
        rules,
    )
}

fn between(least: Ordering, most: Ordering, rules: &Validation) -> Option<Issue> {
    if least == Ordering::Less {
        return Some(Issue::TooSmall(rules.min.clone().unwrap_or_default()));
    }
    (most == Ordering::Greater).then(|| Issue::TooLarge(rules.max.clone().unwrap_or_default()))
}

/// A limit in the API's format, as the stored number.
fn bound(kind: &FieldKind, text: &str) -> Option<i64> {
    match kind {
        FieldKind::Integer | FieldKind::Rating { .. } => decimal::parse(text, 0).ok(),
        FieldKind::Decimal { scale } => decimal::parse(text, *scale).ok(),
        FieldKind::Percent => decimal::parse(text, PERCENT_SCALE).ok(),
        FieldKind::Money => decimal::parse(text, money::SCALE).ok(),
        FieldKind::Date => moment::iso_date(text),
        FieldKind::DateTime => moment::iso_instant(text, chrono_tz::UTC),
        FieldKind::Duration => duration::parse(text),
        _ => None,
    }
}

fn pattern(text: &str, rules: &Validation) -> Option<Issue> {
    let pattern = rules.pattern.as_deref()?;
    let matches = compiled(pattern).is_ok_and(|regex| regex.is_match(text));
    (!matches).then(|| Issue::Pattern(pattern.to_owned()))
}

/// A pattern that matches the whole text, from the cache if it was used before.
fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    static CACHE: LazyLock<Cache<String, Regex>> = LazyLock::new(|| Cache::new(500));
    CACHE.get_or_insert_with(pattern, || {
        // the limits keep a hostile pattern from using much memory; matching takes linear time anyway
        RegexBuilder::new(&format!(r"\A(?:{pattern})\z")).size_limit(256 * 1024).dfa_size_limit(256 * 1024).build()
    })
}

/// What is wrong with a field's own rules before it is created: limits that are not values of its type or contradict
/// each other, a pattern that does not compile or that the type does not support.
pub fn check_rules(kind: &FieldKind, rules: &Validation) -> Option<Issue> {
    let kind = if let FieldKind::Rollup(rollup) = kind { &*rollup.result } else { kind };
    if let Some(pattern) = rules.pattern.as_deref() {
        let texts = is_counted(kind) && !matches!(kind, FieldKind::MultiSelect { .. });
        // the pattern itself must not close the group around it
        if !texts || pattern.len() > 1_000 || Regex::new(pattern).is_err() || compiled(pattern).is_err() {
            return Some(Issue::WrongType("a regular expression of at most 1000 characters, on a text field".into()));
        }
    }
    let limit = |text: &Option<String>| match text.as_deref() {
        None => Ok(None),
        Some(text) if is_counted(kind) => text.parse::<u32>().map(|count| Some(i64::from(count))).map_err(drop),
        Some(text) => bound(kind, text).map(Some).ok_or(()),
    };
    match (limit(&rules.min), limit(&rules.max)) {
        (Err(()), _) | (_, Err(())) => Some(Issue::WrongType("limits that are values of the field's type".into())),
        (Ok(Some(min)), Ok(Some(max))) if min > max => Some(Issue::TooLarge(rules.max.clone().unwrap_or_default())),
        _ => None,
    }
}

/// Whether limits are about a length.
fn is_counted(kind: &FieldKind) -> bool {
    matches!(
        kind,
        FieldKind::Text
            | FieldKind::LongText
            | FieldKind::Url
            | FieldKind::Email
            | FieldKind::Phone
            | FieldKind::Tags
            | FieldKind::MultiSelect { .. }
    )
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

    fn rules(min: Option<&str>, max: Option<&str>, pattern: Option<&str>) -> Validation {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Validation { min: own(min), max: own(max), pattern: own(pattern), ..Validation::default() }
    }

    fn judged(kind: FieldKind, rules: Validation, json: serde_json::Value) -> Option<Issue> {
        let field = Field { validation: rules, ..field(kind) };
        let value = from_json(&field, &json, &locale("DZ")).unwrap();
        validate(&field, &value)
    }

    #[test]
    fn values_keep_within_their_limits() {
        let limits = |min: &str, max: &str| rules(Some(min), Some(max), None);
        let small = |least: &str| Some(Issue::TooSmall(least.to_owned()));
        let large = |most: &str| Some(Issue::TooLarge(most.to_owned()));
        let long = |most: &str| Some(Issue::TooLong(most.to_owned()));
        for (kind, rules, json, issue) in [
            (FieldKind::Integer, limits("1", "9"), json!(0), small("1")),
            (FieldKind::Integer, limits("1", "9"), json!(10), large("9")),
            (FieldKind::Integer, limits("1", "9"), json!(9), None),
            (FieldKind::Decimal { scale: 2 }, limits("0.5", "1.25"), json!("1.26"), large("1.25")),
            (FieldKind::Decimal { scale: 2 }, limits("0.5", "1.25"), json!("0.5"), None),
            (FieldKind::Percent, limits("0", "100"), json!("100.01"), large("100")),
            (FieldKind::Money, limits("0", "10"), json!({ "amount": "-1", "currency": "EUR" }), small("0")),
            (FieldKind::Date, limits("2020-01-01", "2020-12-31"), json!("2019-12-31"), small("2020-01-01")),
            (
                FieldKind::DateTime,
                limits("2020-01-01T00:00:00Z", "2021-01-01T00:00:00Z"),
                json!("2020-06-01T00:00:00Z"),
                None,
            ),
            (FieldKind::Duration, limits("PT1M", "PT1H"), json!("PT2H"), large("PT1H")),
            (FieldKind::Text, limits("2", "3"), json!("é"), Some(Issue::TooShort("2".to_owned()))),
            (FieldKind::Text, limits("2", "3"), json!("éàüö"), long("3")),
            (FieldKind::Text, limits("2", "3"), json!("éàü"), None),
            (FieldKind::Text, limits("2", "3"), json!(null), None),
            (FieldKind::Tags, limits("1", "2"), json!(["a", "b", "c"]), large("2")),
            (FieldKind::Email, limits("1", "5"), json!("a@b.org"), long("5")),
            (FieldKind::Rating { max: 5 }, Validation::default(), json!(6), large("5")),
            (FieldKind::Rating { max: 5 }, Validation::default(), json!(0), small("1")),
            (FieldKind::Boolean, Validation::default(), json!(false), None),
        ] {
            assert_eq!(judged(kind.clone(), rules, json.clone()), issue, "{kind:?} {json}");
        }
    }

    #[test]
    fn a_pattern_matches_the_whole_text() {
        let pattern =
            |pattern: &str, text: &str| judged(FieldKind::Text, rules(None, None, Some(pattern)), json!(text));
        assert_eq!(pattern("[A-Z]{2}|x", "AB"), None);
        assert_eq!(pattern("[A-Z]{2}|x", "x"), None);
        assert_eq!(pattern("[A-Z]{2}|x", "ABC"), Some(Issue::Pattern("[A-Z]{2}|x".to_owned())));
        assert_eq!(pattern("[A-Z]{2}|x", "yx"), Some(Issue::Pattern("[A-Z]{2}|x".to_owned())));
        // Backtracking engines take years over this one.
        assert!(pattern("(a+)+", &format!("{}!", "a".repeat(900))).is_some());
    }

    #[test]
    fn choices_that_are_not_offered_any_more_are_refused() {
        let refused = Some(Issue::NotAnOption("gold, silver".to_owned()));
        assert_eq!(judged(FieldKind::Select { options: tiers() }, Validation::default(), json!("bronze")), refused);
        let many = FieldKind::MultiSelect { options: tiers() };
        assert_eq!(judged(many.clone(), Validation::default(), json!(["gold", "bronze"])), refused);
        assert_eq!(judged(many, Validation::default(), json!(["gold"])), None);
    }

    #[test]
    fn texts_that_rules_made_are_bounded_too() {
        let made = |kind, length| validate(&field(kind), &Value::Text("a".repeat(length)));
        assert_eq!(made(FieldKind::Text, 1001), Some(Issue::TooLong("1000".to_owned())));
        assert_eq!(made(FieldKind::Text, 1000), None);
        assert_eq!(made(FieldKind::LongText, 1001), None);
    }

    #[test]
    fn rules_are_checked_before_they_are_used() {
        for (kind, good) in [
            (FieldKind::Text, rules(Some("1"), Some("10"), Some("[a-z]+"))),
            (FieldKind::Integer, rules(Some("-5"), None, None)),
            (FieldKind::Date, rules(None, Some("2026-03-01"), None)),
            (FieldKind::Boolean, Validation::default()),
        ] {
            assert_eq!(check_rules(&kind, &good), None, "{kind:?}");
        }
        for (kind, bad) in [
            (FieldKind::Text, rules(None, None, Some("("))),
            (FieldKind::Text, rules(None, None, Some("a)|(b"))),
            (FieldKind::Text, rules(None, None, Some("(?=a)b"))),
            (FieldKind::Text, rules(None, None, Some(r"(\w{1000}){1000}"))),
            (FieldKind::Text, rules(Some("-1"), None, None)),
            (FieldKind::Integer, rules(None, None, Some("a"))),
            (FieldKind::Integer, rules(Some("9"), Some("1"), None)),
            (FieldKind::Date, rules(Some("01/03/2026"), None, None)),
            (FieldKind::Boolean, rules(Some("1"), None, None)),
        ] {
            assert!(check_rules(&kind, &bad).is_some(), "{kind:?} {bad:?}");
        }
    }
}
