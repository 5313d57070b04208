//! Decimal numbers as integers at a scale: exact if they fit, rounded half to even if there are too many digits, and
//! never through floating point.

use std::cmp::Ordering;

use tenants::error::Issue;

/// Why a text is not a number at a scale.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It is not a number.
    Syntax,
    /// Below the least 64-bit number.
    TooSmall,
    /// Above the greatest 64-bit number.
    TooLarge,
}

impl Fault {
    /// The error for people; `what` describes a number of this field.
    pub fn issue(self, scale: u8, what: &'static str) -> Issue {
        match self {
            Fault::Syntax => Issue::WrongType(what.into()),
            Fault::TooSmall => Issue::TooSmall(render(i64::MIN, scale)),
            Fault::TooLarge => Issue::TooLarge(render(i64::MAX, scale)),
        }
    }
}

/// Parses `[+-]digits[.digits][e[+-]digits]`, the notation of the API and of JSON.
pub fn parse(text: &str, scale: u8) -> Result<i64, Fault> {
    parse_near(text, scale).map(|(number, _)| number)
}

/// The same, and how the written number compares with the rounded one.
pub fn parse_near(text: &str, scale: u8) -> Result<(i64, Ordering), Fault> {
    let (mantissa, power) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], text[at + 1..].parse::<i32>().map_err(|_| Fault::Syntax)?),
        None => (text, 0),
    };
    let (negative, digits) = match mantissa.as_bytes().first() {
        Some(b'-') => (true, &mantissa[1..]),
        Some(b'+') => (false, &mantissa[1..]),
        _ => (false, mantissa),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() || (fraction.is_empty() && digits.contains('.')) {
        return Err(Fault::Syntax);
    }
    near(negative, whole, fraction, power, scale)
}

/// Builds a number from its digits; `power` is a decimal exponent.
pub(crate) fn assemble(negative: bool, whole: &str, fraction: &str, power: i32, scale: u8) -> Result<i64, Fault> {
    near(negative, whole, fraction, power, scale).map(|(number, _)| number)
}

fn near(negative: bool, whole: &str, fraction: &str, power: i32, scale: u8) -> Result<(i64, Ordering), Fault> {
    let beyond = if negative { Fault::TooSmall } else { Fault::TooLarge };
    let mut mantissa: i128 = 0;
    let mut dropped: i32 = 0;
    let mut inexact = false;
    for byte in whole.bytes().chain(fraction.bytes()) {
        if !byte.is_ascii_digit() {
            return Err(Fault::Syntax);
        }
        let digit = i128::from(byte - b'0');
        if mantissa > MOST_KEPT {
            // digits after the 37th can only matter by breaking a tie
            dropped += 1;
            inexact |= digit != 0;
        } else {
            mantissa = mantissa * 10 + digit;
        }
    }
    let places = i32::try_from(fraction.len()).map_err(|_| Fault::Syntax)?;
    let shift = i64::from(power) + i64::from(dropped) - i64::from(places) + i64::from(scale);
    let (magnitude, written) = if mantissa == 0 {
        (0, Ordering::Equal)
    } else if shift >= 0 {
        let magnitude = u32::try_from(shift)
            .ok()
            .and_then(|shift| 10_i128.checked_pow(shift))
            .and_then(|factor| mantissa.checked_mul(factor))
            .ok_or(beyond)?;
        (magnitude, Ordering::Equal)
    } else {
        match u32::try_from(-shift).ok().and_then(|shift| 10_i128.checked_pow(shift)) {
            Some(divisor) => {
                // a 1 after the last kept digit distinguishes 0.5 from 0.500…01
                let mantissa = if inexact && divisor >= 10 { mantissa | 1 } else { mantissa };
                let rounded = divide(mantissa, divisor);
                (rounded, mantissa.cmp(&(rounded * divisor)))
            }
            None => (0, Ordering::Greater),
        }
    };
    let (number, written) = if negative { (-magnitude, written.reverse()) } else { (magnitude, written) };
    i64::try_from(number).map(|number| (number, written)).map_err(|_| beyond)
}

const MOST_KEPT: i128 = 10_i128.pow(36);

/// Quotient rounded half to even. The divisor must not be zero.
pub fn divide(dividend: i128, divisor: i128) -> i128 {
    let (quotient, rest) = (dividend / divisor, dividend % divisor);
    let twice = rest.unsigned_abs().saturating_mul(2);
    let up = match twice.cmp(&divisor.unsigned_abs()) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Equal => quotient % 2 != 0,
        std::cmp::Ordering::Greater => true,
    };
    match (up, (dividend < 0) == (divisor < 0)) {
        (false, _) => quotient,
        (true, true) => quotient + 1,
        (true, false) => quotient - 1,
    }
}

/// The same number at another scale, rounded half to even; `None` if it does not fit.
pub fn rescale(value: i128, from: u8, to: u8) -> Option<i64> {
    let result = if to >= from {
        value.checked_mul(10_i128.checked_pow(u32::from(to - from))?)?
    } else {
        divide(value, 10_i128.checked_pow(u32::from(from - to))?)
    };
    i64::try_from(result).ok()
}

/// Writes a number with all the digits of its scale.
pub fn write(value: i64, scale: u8, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 24];
    let mut at = digits.len();
    let mut rest = value.unsigned_abs();
    let scale = usize::from(scale);
    let mut count = 0;
    while rest > 0 || count <= scale {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        count += 1;
    }
    if value < 0 {
        out.push(b'-');
    }
    let point = digits.len() - scale;
    out.extend_from_slice(&digits[at..point]);
    if scale > 0 {
        out.push(b'.');
        out.extend_from_slice(&digits[point..]);
    }
}

/// A number as text with all the digits of its scale.
pub fn render(value: i64, scale: u8) -> String {
    let mut out = Vec::with_capacity(24);
    write(value, scale, &mut out);
    out.into_iter().map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_are_exact_or_rounded_half_to_even() {
        for (text, scale, value) in [
            ("0", 2, 0),
            ("-0", 2, 0),
            ("12.5", 2, 1250),
            ("+12.50", 2, 1250),
            ("0.125", 2, 12),
            ("0.135", 2, 14),
            ("0.1250000000000000000000000000000000000000000000001", 2, 13),
            ("-0.125", 2, -12),
            ("-0.126", 2, -13),
            ("1e3", 0, 1000),
            ("1.5E-3", 4, 15),
            ("2.5e0", 0, 2),
            ("0e999999", 4, 0),
            ("1e-999999", 4, 0),
            ("9223372036854775807", 0, i64::MAX),
            ("-9223372036854775808", 0, i64::MIN),
            ("000000000000000000000000000000000000000000000000012", 0, 12),
        ] {
            assert_eq!(parse(text, scale), Ok(value), "{text} at {scale}");
        }
    }

    #[test]
    fn what_is_no_number_or_does_not_fit_is_said() {
        for text in ["", "-", ".", ".5", "5.", "1,5", "1 0", "0x1", "1e", "e5", "NaN", "inf", "1.2.3", "--1", "١"] {
            assert_eq!(parse(text, 2), Err(Fault::Syntax), "{text:?}");
        }
        assert_eq!(parse("9223372036854775808", 0), Err(Fault::TooLarge));
        assert_eq!(parse("-9223372036854775809", 0), Err(Fault::TooSmall));
        assert_eq!(parse("1e400", 0), Err(Fault::TooLarge));
        assert_eq!(parse(&"9".repeat(500), 0), Err(Fault::TooLarge));
        assert_eq!(parse("92233720368547758.08", 2), Err(Fault::TooLarge));
    }

    #[test]
    fn what_rounding_did_is_told() {
        for (text, scale, expected) in [
            ("3.14", 2, (314, Ordering::Equal)),
            ("3.140", 2, (314, Ordering::Equal)),
            ("3.135", 2, (314, Ordering::Less)),
            ("3.141", 2, (314, Ordering::Greater)),
            ("-3.141", 2, (-314, Ordering::Less)),
            ("-3.135", 2, (-314, Ordering::Greater)),
            ("1e-300", 2, (0, Ordering::Greater)),
            ("3.1400000000000000000000000000000000000001", 2, (314, Ordering::Greater)),
            ("0.000", 2, (0, Ordering::Equal)),
        ] {
            assert_eq!(parse_near(text, scale), Ok(expected), "{text}");
        }
    }

    #[test]
    fn averages_round_half_to_even() {
        for (dividend, divisor, quotient) in [(5, 2, 2), (7, 2, 4), (-5, 2, -2), (-7, 2, -4), (8, 3, 3), (7, -2, -4)] {
            assert_eq!(divide(dividend, divisor), quotient);
        }
        assert_eq!(rescale(12_345, 4, 2), Some(123));
        assert_eq!(rescale(123, 2, 4), Some(12_300));
        assert_eq!(rescale(i128::from(i64::MAX), 0, 1), None);
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(value: i64, scale in 0u8..=9) {
            prop_assert_eq!(parse(&render(value, scale), scale), Ok(value));
        }
    }
}
