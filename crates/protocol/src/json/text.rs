//! The types that JSON has not, as text.

use std::fmt;

use crate::xmlrpc::{DateTime, TypeName, Value, parse_base64};

/// The one member's name of an object that is a date.
pub(super) const DATE_TIME: &str = "$dateTime";

/// The one member's name of an object that is bytes.
pub(super) const BASE64: &str = "$base64";

/// The longest date: nine digits of a fraction, and an offset.
const MAX_DATE_BYTES: usize = "1998-07-17T14:08:55.123456789+05:30".len();

/// Reads text as a date or as bytes, where that is wanted; anything else is left as it is. The error
/// is text that says neither, as it was.
pub fn as_type(value: Value, wanted: TypeName) -> Result<Value, Value> {
    let Some(text) = value.as_str() else {
        return Ok(value);
    };
    let read = match wanted {
        TypeName::DateTime => date_time_of(text).map(Value::DateTime),
        TypeName::Base64 => base64_of(text).map(Value::Base64),
        _ => return Ok(value),
    };
    read.ok_or(value)
}

/// The date in ISO 8601's extended form, `yyyy-MM-ddThh:mm:ss`; a fraction and an offset follow it.
pub fn date_text(datetime: &DateTime) -> impl fmt::Display + '_ {
    struct Extended<'a>(&'a DateTime);

    impl fmt::Display for Extended<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            self.0.write_extended(f)
        }
    }
    Extended(datetime)
}

/// The same, without a formatter in between.
pub(super) fn date_string(datetime: &DateTime) -> String {
    let mut text = String::with_capacity(MAX_DATE_BYTES);
    // A string takes all that is written to it.
    let _ = datetime.write_extended(&mut text);
    text
}

pub(super) fn date_time_of(text: &str) -> Option<DateTime> {
    DateTime::parse(text).ok()
}

/// The bytes of base64 text, or of a `data:` URL of it.
pub(super) fn base64_of(text: &str) -> Option<Vec<u8>> {
    let text = match text.strip_prefix("data:") {
        Some(url) => url.split_once(";base64,")?.1,
        None => text,
    };
    parse_base64(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, wanted: TypeName, expected: Result<Value, &str>) {
        assert_eq!(as_type(text.into(), wanted), expected.map_err(Value::from), "{text}");
    }

    #[test]
    fn text_is_what_is_wanted_or_given_back() {
        let date = DateTime::new(1998, 7, 17, 14, 8, 55).unwrap();
        check("1998-07-17T14:08:55", TypeName::DateTime, Ok(date.into()));
        check("19980717T140855", TypeName::DateTime, Ok(date.into()));
        check("yesterday", TypeName::DateTime, Err("yesterday"));
        check("AAE=", TypeName::Base64, Ok(vec![0, 1].into()));
        check("data:image/png;base64,AAE=", TypeName::Base64, Ok(vec![0, 1].into()));
        check("data:;base64,", TypeName::Base64, Ok(Vec::new().into()));
        check("data:,AAE=", TypeName::Base64, Err("data:,AAE="));
        check("?", TypeName::Base64, Err("?"));
        check("19980717T140855", TypeName::String, Ok("19980717T140855".into()));
        check("AAE=", TypeName::Any, Ok("AAE=".into()));
    }

    #[test]
    fn what_is_no_text_is_left_as_it_is() {
        assert_eq!(as_type(Value::Nil, TypeName::DateTime), Ok(Value::Nil));
        assert_eq!(as_type(Value::Int(7), TypeName::Base64), Ok(Value::Int(7)));
    }

    #[test]
    fn dates_are_written_in_the_extended_form() {
        for text in ["1998-07-17T14:08:55", "0000-01-01T00:00:00.050Z", "1998-07-17T14:08:55+05:30"]
        {
            assert_eq!(date_text(&DateTime::parse(text).unwrap()).to_string(), text);
        }
    }
}
