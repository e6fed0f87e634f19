//! The text of one leaf to its value. Errors say what is wrong, and nothing of the text.

use std::num::IntErrorKind;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::chars::{is_blank, trim};

/// The range that an integer's tag promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum IntKind {
    I1,
    I2,
    I4,
    I8,
}

impl IntKind {
    fn holds(self, number: i64) -> bool {
        match self {
            IntKind::I1 => i8::try_from(number).is_ok(),
            IntKind::I2 => i16::try_from(number).is_ok(),
            IntKind::I4 => i32::try_from(number).is_ok(),
            IntKind::I8 => true,
        }
    }
}

/// Blanks around, a sign and leading zeros are read.
pub(super) fn parse_int(kind: IntKind, text: &str) -> Result<i64, &'static str> {
    const OUT_OF_RANGE: &str = "an integer out of its type's range";
    match trim(text).parse() {
        Ok(number) if kind.holds(number) => Ok(number),
        Ok(_) => Err(OUT_OF_RANGE),
        Err(error) => match error.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => Err(OUT_OF_RANGE),
            _ => Err("not an integer"),
        },
    }
}

/// Blanks around, an exponent, `.5` and `5.` are read; what is not finite is refused.
pub(super) fn parse_double(text: &str) -> Result<f64, &'static str> {
    match trim(text).parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(number),
        Ok(_) => Err("a double that is not finite"),
        Err(_) => Err("not a double"),
    }
}

/// Exactly `0` or `1`, blanks around allowed.
pub(super) fn parse_boolean(text: &str) -> Result<bool, &'static str> {
    match trim(text) {
        "0" => Ok(false),
        "1" => Ok(true),
        _ => Err("not a boolean: 0 and 1 are"),
    }
}

/// Blanks anywhere are skipped; the padding must be there and right.
pub(crate) fn parse_base64(text: &str) -> Result<Vec<u8>, &'static str> {
    let decoded = if text.bytes().any(is_blank) {
        let packed: Vec<u8> = text.bytes().filter(|byte| !is_blank(*byte)).collect();
        STANDARD.decode(packed)
    } else {
        STANDARD.decode(text)
    };
    decoded.map_err(|_| "not base64")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_keep_to_their_range() {
        let check =
            |kind, text, expected| assert_eq!(parse_int(kind, text).ok(), expected, "{text}");
        check(IntKind::I1, "-128", Some(-128));
        check(IntKind::I1, "128", None);
        check(IntKind::I2, "32767", Some(32_767));
        check(IntKind::I2, "-32769", None);
        check(IntKind::I4, " \n+0000000000000000000000000041\t", Some(41));
        check(IntKind::I4, "2147483648", None);
        check(IntKind::I8, "-9223372036854775808", Some(i64::MIN));
        check(IntKind::I8, "9223372036854775808", None);
        for junk in
            ["", " ", "+", "-", "+-1", "- 1", "1 2", "1.0", "1e3", "0x1", "\u{a0}1", "١", "1_000"]
        {
            check(IntKind::I8, junk, None);
        }
    }

    #[test]
    fn doubles_are_finite_decimals() {
        let check = |text, expected| assert_eq!(parse_double(text).ok(), expected, "{text}");
        for (text, number) in
            [("1", 1.0), ("-.5", -0.5), ("5.", 5.0), (" +1.5E+3\n", 1500.0), ("1e-400", 0.0)]
        {
            check(text, Some(number));
        }
        for junk in [
            "",
            ".",
            "e5",
            "1e",
            "1e400",
            "nan",
            "NaN",
            "inf",
            "-Infinity",
            "0x10",
            "1,5",
            "1 5",
            "1f",
        ] {
            check(junk, None);
        }
    }

    #[test]
    fn booleans_are_digits() {
        assert_eq!(parse_boolean(" 1\n"), Ok(true));
        assert_eq!(parse_boolean("0"), Ok(false));
        for junk in ["", "2", "true", "01", "+1", "1 0"] {
            assert!(parse_boolean(junk).is_err(), "{junk}");
        }
    }

    #[test]
    fn base64_is_wrapped_at_will_and_padded() {
        let check = |text, expected: Option<&[u8]>| {
            assert_eq!(parse_base64(text).ok().as_deref(), expected, "{text}")
        };
        check("", Some(b""));
        check(" \n ", Some(b""));
        check("YWJj", Some(b"abc"));
        check(" Y\tW\r\nJ j\n", Some(b"abc"));
        check("YQ = =", Some(b"a"));
        for junk in ["YQ", "YQ=", "YQ===", "=", "YQ==YQ==", "Y-_j", "YW.Jj", "YR==", "YWJj\u{a0}"] {
            check(junk, None);
        }
    }
}
