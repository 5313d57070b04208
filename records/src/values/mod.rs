//! Values as the engine carries them between doors and columns.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A value at rest. What an integer means follows from the field's kind: a decimal at its scale, days, microseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Value {
    /// Nothing.
    Null,
    /// Boolean.
    Bool(bool),
    /// Integer, decimal at scale, percent, rating, date (days), instant and duration (microseconds).
    Int(i64),
    /// Text, select key, URL, actor, JSON as text.
    Text(String),
    /// Record id, to-one link.
    Id(Uuid),
    /// Tags and multi-select keys.
    List(Vec<String>),
    /// Targets of a many-to-many link, as a whole.
    Ids(Vec<Uuid>),
    /// Money.
    Money(Money),
    /// Email or phone on its way in; at rest it is a text.
    Contact(Contact),
}

/// An amount with its currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Money {
    /// Amount at scale 4.
    pub amount: i64,
    /// ISO 4217 code.
    pub currency: [u8; 3],
    /// Amount in the tenant's base currency at scale 4; sums and sorts run on it.
    pub base: i64,
}

/// An address to reach somebody, as typed and as compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contact {
    /// As typed, trimmed.
    pub typed: String,
    /// What matching, uniqueness and consent go by: lower case with a punycode domain; E.164 where possible.
    pub key: String,
    /// Whether it can be written to or called.
    pub valid: bool,
}
