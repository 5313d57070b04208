//! Values as the engine passes them between endpoints and columns: parsed from JSON and from cells of files, checked,
//! compared by key, and written. Nothing here uses a database.

mod actor;
mod convert;
pub mod country;
pub mod decimal;
pub mod duration;
pub mod email;
mod from_json;
mod from_text;
mod key;
pub mod limits;
mod locale;
mod moment;
pub mod money;
mod number;
pub mod phone;
mod render;
mod select;
mod target;
mod validate;
mod warning;

pub use convert::{Converted, convert, convertible};
pub use from_json::from_json;
pub use from_text::from_text;
pub use key::{has_key, key};
pub use locale::{Locale, Rate, Rates};
pub use render::{json_of_kind, text_of_kind, to_json, to_text, write_json, write_string};
pub use target::{Target, target_from_json, target_from_text};
pub use validate::{check_rules, validate};
pub use warning::Warning;

/// Decimals of percentages.
pub const PERCENT_SCALE: u8 = 2;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A stored value. What an integer means depends on the field's type: a decimal at its scale, days, microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// No value.
    Null,
    /// Boolean.
    Bool(bool),
    /// Integer, decimal at scale, percent, rating, date (days), instant and duration (microseconds).
    Int(i64),
    /// Text, select key, URL, actor, JSON as text, link to any record.
    Text(String),
    /// Record id, for a to-one link.
    Id(Uuid),
    /// Tags and multi-select keys.
    List(Vec<String>),
    /// All targets of a many-to-many link; in its history, those that it gained, or lost.
    Ids(Vec<Uuid>),
    /// What a many-to-many link is to gain and to lose. The pipeline makes it of all targets too, once it knows the
    /// old ones.
    Pairs(Pairs),
    /// Money.
    Money(Money),
    /// Email or phone while it is being written; stored, it is a text.
    Contact(Contact),
}

/// Targets that a many-to-many link of a record gains and loses; its others stay.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pairs {
    /// Linked if they are not yet.
    pub add: Vec<Uuid>,
    /// Linked no more.
    pub remove: Vec<Uuid>,
}

/// An amount with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Amount at scale 4.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: [u8; 3],
    /// Amount in the tenant's base currency at scale 4; used for sums and sorting.
    pub base: i64,
}

/// An address to contact somebody, as typed and as compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// As typed, trimmed.
    pub typed: String,
    /// What matching, uniqueness and consent use: lower case with a punycode domain; E.164 if possible.
    pub key: String,
    /// Whether it can be written to or called.
    pub valid: bool,
}

impl Contact {
    /// The text stored in the field's own column and shown: the normalised form if there is one, otherwise as typed.
    pub fn shown(&self) -> &str {
        if self.valid { &self.key } else { &self.typed }
    }
}

/// Loads the tables for phones and countries; otherwise the first request would wait for them.
pub fn warm() {
    phone::parse("+213550123456", "DZ");
    country::alpha2("DZ");
}

#[cfg(test)]
pub(crate) mod testing {
    //! Fields and conventions to try values with.

    use std::collections::BTreeMap;

    use super::*;
    use crate::catalog::{
        Choice, Encryption, Field, FieldId, FieldKind, FieldState, Labels, ObjectId, Origin, Validation,
    };

    /// An organisation of Algiers, or of elsewhere, with rates for euro and dollar.
    pub(crate) fn locale(country: &str) -> Locale {
        let rates = [("EUR", "145.25"), ("USD", "134.5")];
        Locale {
            country: country.to_owned(),
            time_zone: chrono_tz::Africa::Algiers,
            currency: *b"DZD",
            language: "fr".to_owned(),
            rates: rates.iter().map(|(code, rate)| (money::currency(code).unwrap(), rate.parse().unwrap())).collect(),
        }
    }

    /// A field without rules.
    pub(crate) fn field(kind: FieldKind) -> Field {
        Field {
            id: FieldId::new(),
            object: ObjectId::new(),
            name: "tried".to_owned(),
            column: "f1".to_owned(),
            kind,
            label: Labels::new(),
            help: Labels::new(),
            section: None,
            position: 0,
            origin: Origin::Custom,
            required: false,
            unique: false,
            default: None,
            validation: Validation::default(),
            searchable: false,
            audited: true,
            personal: None,
            state: FieldState::Active,
            failure: None,
            writable: true,
            encryption: Encryption::None,
            keys: None,
            changing: None,
            past: Vec::new(),
        }
    }

    /// Gold, silver and a retired bronze.
    pub(crate) fn tiers() -> Vec<Choice> {
        let choice = |value: &str, labels: [&str; 3], retired| Choice {
            value: value.to_owned(),
            label: ["en", "fr", "es"]
                .iter()
                .map(|l| (*l).to_owned())
                .zip(labels.map(str::to_owned))
                .collect::<BTreeMap<_, _>>(),
            retired,
        };
        vec![
            choice("gold", ["Gold", "Doré", "Oro"], false),
            choice("silver", ["Silver", "Argenté", "Plata"], false),
            choice("bronze", ["Bronze", "Bronze", "Bronce"], true),
        ]
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tenants::error::Issue;

    use super::{
        testing::{field, locale, tiers},
        *,
    };
    use crate::catalog::FieldKind;

    #[test]
    fn what_was_expected_is_said_in_the_callers_language() {
        let options = tiers();
        let kinds = [
            FieldKind::Id,
            FieldKind::Text,
            FieldKind::LongText,
            FieldKind::Integer,
            FieldKind::Decimal { scale: 2 },
            FieldKind::Percent,
            FieldKind::Rating { max: 5 },
            FieldKind::Money,
            FieldKind::Boolean,
            FieldKind::Date,
            FieldKind::DateTime,
            FieldKind::Duration,
            FieldKind::Select { options: options.clone() },
            FieldKind::MultiSelect { options },
            FieldKind::Tags,
            FieldKind::Email,
            FieldKind::Phone,
            FieldKind::Url,
        ];
        for kind in kinds {
            let field = field(kind.clone());
            let mut said = 0;
            for json in [json!("?"), json!(["?"]), json!({}), json!({ "amount": "1", "currency": 1 }), json!("a\0")] {
                let cell = json.as_str().map(|text| from_text(&field, text, &locale("DZ")));
                let issues = [from_json(&field, &json, &locale("DZ")).err(), cell.and_then(Result::err)];
                for issue in issues.into_iter().flatten() {
                    let Issue::WrongType(what) = &issue else { continue };
                    said += 1;
                    for language in ["fr", "es"] {
                        assert!(!issue.message(language).ends_with(&**what), "{kind:?}: {what} in {language}");
                    }
                }
            }
            assert!(said > 0, "{kind:?}");
        }
    }
}
