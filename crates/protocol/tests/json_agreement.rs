//! What is JSON and what it says is as serde_json's own values have it, but for what is refused here.

#![allow(clippy::unwrap_used)]

mod values;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use protocol::json::{DecodeError, InvalidParams, Params, as_type, decode_params, encode_result};
use protocol::xmlrpc::{Limits, TypeName, Value};
use serde_json::Value as Json;

const LIMITS: Limits = Limits { name_bytes: 1_000, ..Limits::DEFAULT };

const PIECES: [&str; 34] = [
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    " ",
    "\n",
    "\t\r",
    "\u{1}",
    "\u{feff}",
    "-",
    "0",
    "9",
    ".",
    "e",
    "E+5",
    "e999",
    "-0",
    "18446744073709551616",
    "123456789012345678901234567890",
    "true",
    "null",
    "nul",
    "\\u00e9",
    "\\ud83d",
    "\\ude00",
    "\\u12",
    "\"a\":1,",
    "\"a\":",
    "{\"$base64\":\"AA==\"}",
    "[]",
];

fn agree(text: &str) -> Result<(), TestCaseError> {
    let text = format!("[{text}]");
    match (decode_params(text.as_bytes(), &LIMITS), serde_json::from_str::<Json>(&text)) {
        (Ok(Params::Positional(ours)), Ok(Json::Array(theirs))) => {
            prop_assert!(all_same(ours.iter(), theirs.iter()), "{}: {:?}", text, ours);
        }
        (Err(DecodeError::InvalidParams(_)), Ok(_)) | (Err(DecodeError::NotJson), Err(_)) => {}
        // Its own values have no such number either.
        (
            Err(DecodeError::InvalidParams(
                InvalidParams::DoubleRange | InvalidParams::IntegerRange,
            )),
            Err(error),
        ) => {
            prop_assert!(
                error.to_string().starts_with("number out of range"),
                "{}: {}",
                text,
                error
            );
        }
        (ours, theirs) => prop_assert!(false, "{}: {:?}, {:?}", text, ours, theirs),
    }
    Ok(())
}

fn all_same<'a>(
    ours: impl ExactSizeIterator<Item = &'a Value>,
    theirs: impl ExactSizeIterator<Item = &'a Json>,
) -> bool {
    ours.len() == theirs.len() && ours.zip(theirs).all(|(ours, theirs)| is_same(ours, theirs))
}

fn is_same(ours: &Value, theirs: &Json) -> bool {
    match (ours, theirs) {
        (Value::Nil, Json::Null) => true,
        (Value::Boolean(ours), Json::Bool(theirs)) => ours == theirs,
        // It makes -0 a double.
        (Value::Int(0), Json::Number(theirs)) if theirs.is_f64() => theirs.as_f64() == Some(0.0),
        (Value::Int(ours), Json::Number(theirs)) => theirs.as_i64() == Some(*ours),
        (Value::Double(ours), Json::Number(theirs)) => {
            theirs.is_f64() && theirs.as_f64().map(f64::to_bits) == Some(ours.to_bits())
        }
        (Value::String(ours), Json::String(theirs)) => ours == theirs,
        (Value::Array(ours), Json::Array(theirs)) => all_same(ours.iter(), theirs.iter()),
        (Value::Struct(ours), Json::Object(theirs)) => {
            let same = |(name, ours)| theirs.get(name).is_some_and(|theirs| is_same(ours, theirs));
            ours.len() == theirs.len() && ours.iter().all(same)
        }
        (ours @ Value::DateTime(_), theirs) => {
            is_marked(ours, theirs, "$dateTime", TypeName::DateTime)
        }
        (ours @ Value::Base64(_), theirs) => is_marked(ours, theirs, "$base64", TypeName::Base64),
        _ => false,
    }
}

fn is_marked(ours: &Value, theirs: &Json, name: &str, wanted: TypeName) -> bool {
    let text = theirs.get(name).and_then(Json::as_str);
    let is_alone = theirs.as_object().is_some_and(|object| object.len() == 1);
    is_alone && text.and_then(|text| as_type(text.into(), wanted).ok()).as_ref() == Some(ours)
}

fn written() -> impl Strategy<Value = String> {
    values::value()
        .prop_map(|value| String::from_utf8(encode_result(&value, TypeName::Any).unwrap()).unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn on_what_is_written_here(text in written()) {
        agree(&text)?;
    }

    #[test]
    fn on_damaged_documents(
        text in written(),
        damages in vec((any::<Index>(), 0..6_usize, select(PIECES.to_vec())), 1..4),
    ) {
        let mut text = text;
        for (at, cut, piece) in damages {
            let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
            let at = at.index(ends.len());
            let cut = (at + cut).min(ends.len() - 1);
            text.replace_range(ends[at]..ends[cut], piece);
        }
        agree(&text)?;
    }

    #[test]
    fn on_pieces(pieces in vec(select(PIECES.to_vec()), 0..12)) {
        agree(&pieces.concat())?;
    }

    #[test]
    fn on_numbers(text in "-?[0-9]{0,22}(\\.[0-9]{0,22})?([eE][+-]?[0-9]{0,4})?") {
        agree(&text)?;
    }
}
