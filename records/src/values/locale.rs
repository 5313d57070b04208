//! What parsing a value depends on, besides its field.

use std::{collections::BTreeMap, str::FromStr};

use chrono_tz::Tz;
use tenants::Settings;

use super::decimal;

/// An organisation's conventions.
#[derive(Clone, Debug)]
pub struct Locale {
    /// ISO 3166 code in capitals: the region of local phone numbers, the order of day and month.
    pub country: String,
    /// The time zone of its days.
    pub time_zone: Tz,
    /// Base currency (ISO 4217).
    pub currency: [u8; 3],
    /// ISO 639 code: `en`, `fr`, `es`.
    pub language: String,
    /// Exchange rates.
    pub rates: Rates,
}

/// The value of one unit of a currency in the base currency.
pub type Rates = BTreeMap<[u8; 3], Rate>;

/// An exact positive exchange rate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    digits: i64,
    scale: u8,
}

impl Rate {
    /// An amount at scale 4, converted to the base currency at scale 4, half to even; `None` if it does not fit.
    pub fn convert(self, amount: i64) -> Option<i64> {
        decimal::rescale(i128::from(amount).checked_mul(i128::from(self.digits))?, self.scale, 0)
    }
}

impl FromStr for Rate {
    type Err = decimal::Fault;

    /// Parses a decimal like `0.0074`, with up to 15 decimals.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let places = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let scale = u8::try_from(places.min(15)).map_err(|_| decimal::Fault::Syntax)?;
        let digits = decimal::parse(text, scale)?;
        if digits > 0 { Ok(Self { digits, scale }) } else { Err(decimal::Fault::TooSmall) }
    }
}

impl Locale {
    /// The conventions of an organisation, with its exchange rates.
    pub fn of(settings: &Settings, rates: Rates) -> Self {
        Self {
            country: settings.country.clone(),
            time_zone: settings.time_zone,
            currency: settings.currency,
            language: settings.language.clone(),
            rates,
        }
    }

    /// True if the month is written before the day.
    pub(crate) fn month_first(&self) -> bool {
        matches!(self.country.as_str(), "US" | "AS" | "FM" | "GU" | "MH" | "MP" | "PH" | "PR" | "PW" | "UM" | "VI")
    }

    /// True if the decimal separator is a point (and a comma separates thousands).
    pub(crate) fn decimal_point(&self) -> bool {
        const POINT: &str = "AE AG AI AS AU BB BD BH BM BN BS BW BZ CA CN DM DO EG ER ET FJ FK FM GB GD GG GH GI GM GT \
                             GU GY HK HN IE IL IM IN IQ JE JM JO JP KE KH KN KP KR KW KY LB LC LK LR LS LY MH MM MN \
                             MO MP MS MT MU MV MW MX MY NA NG NI NP NZ OM PA PE PG PH PK PR PS PW QA RW SA SB SC SD \
                             SG SL SO SV SY SZ TC TH TO TT TV TW TZ UG UM US VC VG VI VU WS YE ZA ZM ZW CH LI";
        POINT.split(' ').any(|code| code == self.country)
    }
}
