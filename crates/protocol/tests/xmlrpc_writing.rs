//! Exact bytes of everything that is written, and what is never written.

use proptest::prelude::*;
use protocol::xmlrpc::{
    Array, DateTime, Dialect, EncodeError, Fault, MethodCall, Struct, Value, code, encode_call,
    encode_fault, encode_response, encode_response_in,
};

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";

fn check(value: impl Into<Value>, expected: &str) {
    let written = encode_response(&value.into()).expect("a value that can be written");
    let expected = format!(
        "{HEAD}<methodResponse><params><param><value>{expected}</value></param></params></methodResponse>"
    );
    assert_eq!(String::from_utf8(written), Ok(expected));
}

fn array(values: Vec<Value>) -> Value {
    Array::try_from(values).expect("a shallow array").into()
}

fn structure(members: Vec<(&str, Value)>) -> Value {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value));
    Struct::from_members(members.collect()).expect("a shallow struct").into()
}

#[test]
fn integers_are_int_in_32_bits_and_i8_beyond() {
    check(0, "<int>0</int>");
    check(-7, "<int>-7</int>");
    check(i32::MAX, "<int>2147483647</int>");
    check(i32::MIN, "<int>-2147483648</int>");
    check(2_147_483_648_i64, "<i8>2147483648</i8>");
    check(i64::MAX, "<i8>9223372036854775807</i8>");
    check(i64::MIN, "<i8>-9223372036854775808</i8>");
}

#[test]
fn doubles_are_shortest_digits_with_a_point_and_no_exponent() {
    check(0.1, "<double>0.1</double>");
    check(1.0, "<double>1.0</double>");
    check(-0.0, "<double>-0.0</double>");
    check(-12.214, "<double>-12.214</double>");
    check(2_505_411_001_931_549.0 / 4.0, "<double>626352750482887.2</double>");
    check(1e21, "<double>1000000000000000000000.0</double>");
    check(1e-7, "<double>0.0000001</double>");
    check(f64::MAX, &format!("<double>17976931348623157{}.0</double>", "0".repeat(292)));
    check(5e-324, &format!("<double>0.{}5</double>", "0".repeat(323)));
}

proptest! {
    /// Rust writes the shortest digits without exponent too, and a whole number without a point.
    /// Where two texts are as short and as near, it may choose the other one.
    #[test]
    fn doubles_read_back_and_are_as_short_as_rust_writes_them(
        number in any::<f64>(),
        exponent in -30..30_i32,
    ) {
        for number in [number, number.trunc(), f64::from(number as f32) * 10_f64.powi(exponent)] {
            if number.is_finite() {
                let (written, rusts) = (written_double(number), number.to_string());
                prop_assert!(!written.contains('e') && written.contains('.'), "{}", written);
                prop_assert_eq!(written.parse::<f64>().map(f64::to_bits), Ok(number.to_bits()));
                let point = if rusts.contains('.') { 0 } else { ".0".len() };
                prop_assert_eq!(written.len(), rusts.len() + point);
            }
        }
    }
}

fn written_double(number: f64) -> String {
    let document = encode_response(&number.into()).expect("a finite number");
    let text = String::from_utf8(document).expect("UTF-8");
    let (_, rest) = text.split_once("<double>").expect("a double");
    rest.split_once("</double>").expect("its end").0.to_owned()
}

#[test]
fn other_scalars_have_one_form() {
    check(true, "<boolean>1</boolean>");
    check(false, "<boolean>0</boolean>");
    check(Value::Nil, "<nil/>");
    check(vec![], "<base64></base64>");
    check(vec![0; 100], &format!("<base64>{}==</base64>", "A".repeat(134)));
    let datetime = DateTime::parse("1998-07-17T140855,50+00:00").expect("a date and time");
    check(datetime, "<dateTime.iso8601>19980717T14:08:55.50Z</dateTime.iso8601>");
}

#[test]
fn strings_are_escaped_and_otherwise_untouched() {
    check("", "<string></string>");
    check(" a\tb\n ", "<string> a\tb\n </string>");
    check("<a & 'b' \"c\">\r\n", "<string>&lt;a &amp; 'b' \"c\"&gt;&#13;\n</string>");
    check("]]>", "<string>]]&gt;</string>");
    check(
        "\u{7F}\u{80}\u{e9}\u{FEFF}\u{FFFD}\u{FF21}\u{1F600}",
        "<string>\u{7F}\u{80}\u{e9}\u{FEFF}\u{FFFD}\u{FF21}\u{1F600}</string>",
    );
    for length in 0..200 {
        let plain = "x".repeat(length);
        check(&*format!("{plain}<{plain}"), &format!("<string>{plain}&lt;{plain}</string>"));
    }
}

#[test]
fn compounds_have_nothing_between_tags() {
    check(Array::default(), "<array><data></data></array>");
    check(Struct::default(), "<struct></struct>");
    check(
        array(vec![1.into(), "a".into()]),
        "<array><data><value><int>1</int></value><value><string>a</string></value></data></array>",
    );
    let members = structure(vec![("z", 1.into()), ("a&b", true.into()), ("", Value::Nil)]);
    check(
        members,
        "<struct><member><name>z</name><value><int>1</int></value></member><member><name>a&amp;b</name><value><boolean>1</boolean></value></member><member><name></name><value><nil/></value></member></struct>",
    );
}

#[test]
fn calls_hold_name_and_params() {
    let call = |name: &str, params| {
        encode_call(&MethodCall::new(name, params))
            .map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    };
    assert_eq!(
        call("a<b", vec![]),
        Ok(format!(
            "{HEAD}<methodCall><methodName>a&lt;b</methodName><params></params></methodCall>"
        ))
    );
    assert_eq!(
        call("m", vec![1.into(), Value::Nil]),
        Ok(format!(
            "{HEAD}<methodCall><methodName>m</methodName><params><param><value><int>1</int></value></param><param><value><nil/></value></param></params></methodCall>"
        ))
    );
    assert_eq!(call("a\0", vec![]), Err(EncodeError::IllegalCharacter));
}

#[test]
fn apaches_client_is_written_to_in_its_own_dialect() {
    const EX: &str = "xmlns:ex=\"http://ws.apache.org/xmlrpc/namespaces/extensions\"";
    let check = |value: Value, expected: &str| {
        let written =
            encode_response_in(Dialect::Apache, &value).expect("a value that can be written");
        let expected = format!(
            "{HEAD}<methodResponse {EX}><params><param><value>{expected}</value></param></params></methodResponse>"
        );
        assert_eq!(String::from_utf8(written), Ok(expected));
    };
    check(Value::Nil, "<ex:nil/>");
    check(5.into(), "<int>5</int>");
    check(i32::MIN.into(), "<int>-2147483648</int>");
    check(2_147_483_648_i64.into(), "<ex:i8>2147483648</ex:i8>");
    check(i64::MIN.into(), "<ex:i8>-9223372036854775808</ex:i8>");
    check("a".into(), "<string>a</string>");
    check(1.5.into(), "<double>1.5</double>");
    check(
        array(vec![structure(vec![("a", Value::Nil)]), i64::MAX.into()]),
        "<array><data><value><struct><member><name>a</name><value><ex:nil/></value></member></struct></value><value><ex:i8>9223372036854775807</ex:i8></value></data></array>",
    );
    let not_finite = encode_response_in(Dialect::Apache, &f64::NAN.into());
    assert_eq!(not_finite, Err(EncodeError::NotFinite));
    let call = MethodCall { dialect: Dialect::Apache, ..MethodCall::new("m", vec![Value::Nil]) };
    let written = encode_call(&call).expect("a call that can be written");
    let expected = format!(
        "{HEAD}<methodCall {EX}><methodName>m</methodName><params><param><value><ex:nil/></value></param></params></methodCall>"
    );
    assert_eq!(String::from_utf8(written), Ok(expected));
}

#[test]
fn what_xml_cannot_carry_is_an_error() {
    for number in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        assert_eq!(encode_response(&number.into()), Err(EncodeError::NotFinite));
        assert_eq!(encode_response(&array(vec![number.into()])), Err(EncodeError::NotFinite));
    }
    let long = "x".repeat(100);
    for c in ['\0', '\u{1}', '\u{8}', '\u{B}', '\u{C}', '\u{E}', '\u{1F}', '\u{FFFE}', '\u{FFFF}'] {
        for text in [c.to_string(), format!("{long}{c}"), format!("<{c}{long}")] {
            assert_eq!(
                encode_response(&text.as_str().into()),
                Err(EncodeError::IllegalCharacter),
                "{c:?}"
            );
            let named = structure(vec![(text.as_str(), Value::Nil)]);
            assert_eq!(encode_response(&named), Err(EncodeError::IllegalCharacter), "{c:?}");
        }
    }
    let fault = Fault::from(EncodeError::NotFinite);
    assert_eq!(fault.code, code::INTERNAL_ERROR);
}

#[test]
fn fault_has_code_then_string_and_can_always_be_written() {
    let written = |fault| String::from_utf8(encode_fault(&fault)).expect("UTF-8");
    let expected = |code: i32, text: &str| {
        format!(
            "{HEAD}<methodResponse><fault><value><struct><member><name>faultCode</name><value><int>{code}</int></value></member><member><name>faultString</name><value><string>{text}</string></value></member></struct></value></fault></methodResponse>"
        )
    };
    assert_eq!(written(Fault::new(4, "a < b")), expected(4, "a &lt; b"));
    assert_eq!(written(Fault::new(i32::MIN, "")), expected(i32::MIN, ""));
    assert_eq!(
        written(Fault::new(-1, "<a\0\u{FFFF}\r\u{e9}>")),
        expected(-1, "&lt;a\u{FFFD}\u{FFFD}&#13;\u{e9}&gt;")
    );
}
