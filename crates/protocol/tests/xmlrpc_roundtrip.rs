//! Any value that can be written reads back as itself.

mod values;

use proptest::collection::vec;
use proptest::prelude::*;
use protocol::xmlrpc::{
    Dialect, Fault, Limits, MethodCall, MethodResponse, Value, decode_call, decode_response,
    encode_call, encode_fault, encode_response, encode_response_in,
};
use values::{text, value};

fn dialect() -> impl Strategy<Value = Dialect> {
    prop_oneof![Just(Dialect::Standard), Just(Dialect::Apache)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(100))]

    #[test]
    fn calls_read_back_as_themselves(name in "[^\\s\\p{C}\u{FFFE}\u{FFFF}]{1,20}", params in vec(value(), 0..4), dialect in dialect()) {
        let call = MethodCall { name, params, dialect };
        let written = encode_call(&call).unwrap();
        prop_assert_eq!(decode_call(&written, None, &Limits::default()), Ok(call));
    }

    #[test]
    fn results_read_back_as_themselves(result in value(), dialect in dialect()) {
        let written = encode_response_in(dialect, &result).unwrap();
        let read = decode_response(&written, Some("utf-8"), &Limits::default());
        prop_assert_eq!(read, Ok(MethodResponse::Success(result.clone())));
        // The same text in another charset means the same.
        let utf_16: Vec<u8> = String::from_utf8(written).unwrap().encode_utf16().flat_map(u16::to_le_bytes).collect();
        let read = decode_response(&utf_16, None, &Limits::default());
        prop_assert_eq!(read, Ok(MethodResponse::Success(result)));
    }

    #[test]
    fn faults_read_back_as_themselves(code in any::<i32>(), message in text()) {
        let fault = Fault { code, message };
        let read = decode_response(&encode_fault(&fault), None, &Limits::default());
        prop_assert_eq!(read, Ok(MethodResponse::Fault(fault)));
    }

    #[test]
    fn faults_with_any_text_can_be_written(message in any::<String>()) {
        let read = decode_response(&encode_fault(&Fault::new(1, message)), None, &Limits::default());
        prop_assert!(matches!(read, Ok(MethodResponse::Fault(_))));
    }

    #[test]
    fn any_string_is_written_readably_or_not_at_all(text in any::<String>()) {
        let value = Value::from(text);
        if let Ok(written) = encode_response(&value) {
            let read = decode_response(&written, None, &Limits::default());
            prop_assert_eq!(read, Ok(MethodResponse::Success(value)));
        }
    }

    #[test]
    fn any_bytes_are_read_without_panic(bytes in vec(any::<u8>(), 0..200), charset in proptest::option::of("[a-z0-9-]{0,12}")) {
        let _ = decode_call(&bytes, charset.as_deref(), &Limits::default());
    }

    #[test]
    fn damaged_documents_are_read_without_panic(result in value(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut written = encode_response(&result).unwrap();
        let at = at.index(written.len());
        written[at] = byte;
        let _ = decode_response(&written, None, &Limits::default());
        written.truncate(at);
        prop_assert!(decode_response(&written, None, &Limits::default()).is_err());
    }
}
