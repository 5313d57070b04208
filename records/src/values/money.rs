//! Amounts: scale 4, a currency, and their value in the base currency at the time of writing.

use serde_json::Value as Json;
use tenants::error::Issue;

use super::{Locale, Money, decimal, number};

/// Decimals that are stored.
pub const SCALE: u8 = 4;

const EXPECTED: &str = "an amount like \"12.50\" or { amount: \"12.50\", currency: \"EUR\" }";

/// An amount with its value in the base currency. Without an exchange rate it is refused: a guess would make every sum
/// wrong.
pub fn of(amount: i64, currency: [u8; 3], locale: &Locale) -> Result<Money, Issue> {
    if currency == locale.currency {
        return Ok(Money { amount, currency, base: amount });
    }
    let rate = locale.rates.get(&currency).ok_or_else(|| Issue::NoExchangeRate(code(&currency)))?;
    let base = rate.convert(amount).ok_or_else(|| Issue::TooLarge(decimal::render(i64::MAX, SCALE)))?;
    Ok(Money { amount, currency, base })
}

/// An ISO 4217 code, in capitals or not.
pub fn currency(text: &str) -> Option<[u8; 3]> {
    let code: [u8; 3] = text.trim().as_bytes().try_into().ok()?;
    code.iter().all(u8::is_ascii_alphabetic).then(|| code.map(|c| c.to_ascii_uppercase()))
}

/// A currency as text.
pub fn code(currency: &[u8; 3]) -> String {
    currency.iter().map(|byte| char::from(*byte)).collect()
}

/// How many decimals people write in a currency.
pub fn minor_digits(currency: &[u8; 3]) -> u8 {
    match currency {
        b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG" | b"RWF" | b"UGX" | b"VND"
        | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
        b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
        _ => 2,
    }
}

/// Writes an amount with the decimals of its currency, or more if they are not zero.
pub fn write_amount(amount: i64, currency: &[u8; 3], out: &mut Vec<u8>) {
    let mut scale = SCALE;
    let mut value = amount;
    while scale > minor_digits(currency) && value % 10 == 0 {
        value /= 10;
        scale -= 1;
    }
    decimal::write(value, scale, out);
}

/// The text that [`write_amount`] writes.
pub fn amount_text(amount: i64, currency: &[u8; 3]) -> String {
    let mut out = Vec::with_capacity(24);
    write_amount(amount, currency, &mut out);
    out.into_iter().map(char::from).collect()
}

/// Parses `{ amount, currency }`, or an amount alone in the base currency.
pub(crate) fn from_json(json: &Json, locale: &Locale) -> Result<Money, Issue> {
    let (amount, currency) = match json {
        Json::Object(parts) => {
            if parts.keys().any(|key| key != "amount" && key != "currency" && key != "base") {
                return Err(Issue::WrongType(EXPECTED.into()));
            }
            let currency = match parts.get("currency") {
                None | Some(Json::Null) => locale.currency,
                Some(Json::String(text)) => {
                    currency(text).ok_or(Issue::WrongType("a currency code like EUR".into()))?
                }
                Some(_) => return Err(Issue::WrongType("a currency code like EUR".into())),
            };
            (parts.get("amount").ok_or(Issue::WrongType(EXPECTED.into()))?, currency)
        }
        bare => (bare, locale.currency),
    };
    let amount = match amount {
        Json::String(text) => decimal::parse(text.trim(), SCALE),
        Json::Number(number) => decimal::parse(&number.to_string(), SCALE),
        _ => return Err(Issue::WrongType(EXPECTED.into())),
    };
    of(amount.map_err(|fault| fault.issue(SCALE, EXPECTED))?, currency, locale)
}

/// Parses a cell like `1 234,50 €`, `EUR 12`, `-$5` or `(5.00)`.
pub(crate) fn from_text(text: &str, locale: &Locale) -> Result<Money, Issue> {
    let (negative, body) = number::sign(text.trim());
    let (amount, currency) = split(body, locale);
    let signed = if negative { format!("-{amount}") } else { amount.to_owned() };
    let amount = number::parse(&signed, SCALE, minor_digits(&currency), locale)
        .map_err(|fault| fault.issue(SCALE, "an amount like 12.50 or 12.50 EUR"))?;
    of(amount, currency, locale)
}

/// Separates an amount from the currency before or after it.
fn split<'a>(text: &'a str, locale: &Locale) -> (&'a str, [u8; 3]) {
    let unit = |part: &str| currency(part).or_else(|| symbol(part, locale));
    let of_number = |c: char| {
        c.is_ascii_digit()
            || c.is_whitespace()
            || matches!(c, '.' | ',' | '-' | '+' | '(' | ')' | '\u{2212}' | '\'' | '’')
    };
    let head = text.find(of_number).unwrap_or(text.len());
    if let Some(found) = unit(&text[..head]) {
        return (text[head..].trim_start(), found);
    }
    let tail = text.trim_end_matches(|c| !of_number(c)).len();
    match unit(&text[tail..]) {
        Some(found) => (text[..tail].trim_end(), found),
        None => (text, locale.currency),
    }
}

/// The currency of a sign; a shared sign means the base currency if that uses it.
fn symbol(sign: &str, locale: &Locale) -> Option<[u8; 3]> {
    let base = locale.currency;
    Some(match sign {
        "€" => *b"EUR",
        "£" if matches!(&base, b"EGP" | b"LBP" | b"SYP" | b"GIP" | b"FKP" | b"SHP") => base,
        "£" => *b"GBP",
        "$" if matches!(
            &base,
            b"AUD" | b"CAD" | b"NZD" | b"SGD" | b"HKD" | b"MXN" | b"ARS" | b"CLP" | b"COP" | b"UYU" | b"TWD"
        ) =>
        {
            base
        }
        "$" | "US$" => *b"USD",
        "¥" | "￥" if base == *b"CNY" => base,
        "¥" | "￥" => *b"JPY",
        "₹" => *b"INR",
        "₽" => *b"RUB",
        "₺" => *b"TRY",
        "₩" => *b"KRW",
        "R$" => *b"BRL",
        "DA" => *b"DZD",
        "DH" => *b"MAD",
        "DT" => *b"TND",
        "FCFA" if base == *b"XAF" => base,
        "FCFA" => *b"XOF",
        _ => return None,
    })
}
