//! The settings of an organisation, as every request needs them.

use chrono_tz::Tz;
use entities::control::tenants;

use crate::error::{Error, Result};

/// An organisation's settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Name in URLs.
    pub slug: String,
    /// Name for people.
    pub name: String,
    /// ISO 3166 alpha-2.
    pub country: String,
    /// ISO 4217 code of the base currency.
    pub currency: [u8; 3],
    /// The time zone of its days.
    pub time_zone: Tz,
    /// ISO 639 code of its default language.
    pub language: String,
}

impl Settings {
    /// Parses the registry's row.
    ///
    /// # Errors
    /// If the row holds a value that sign-up would have refused.
    pub fn of(row: &tenants::Model) -> Result<Self> {
        Ok(Self {
            slug: row.slug.clone(),
            name: row.name.clone(),
            country: row.country.clone(),
            currency: currency(&row.currency).ok_or_else(|| Error::internal("the registry holds no currency"))?,
            time_zone: row.time_zone.parse().map_err(|_| Error::internal("the registry holds no time zone"))?,
            language: row.language.clone(),
        })
    }
}

/// A currency code from its text.
pub fn currency(text: &str) -> Option<[u8; 3]> {
    let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
    bytes.iter().all(u8::is_ascii_uppercase).then_some(bytes)
}
