//! serde both ways: tables of Rust types and values, of error texts and of type names, then the
//! property that a value passes through serde as itself.
#![allow(clippy::unwrap_used)]

mod values;

use std::collections::{BTreeMap, HashMap};
use std::fmt::{Debug, Display};
use std::time::Duration;

use proptest::prelude::*;
use protocol::xmlrpc::{
    Array, Base64, DateTime, MAX_VALUE_DEPTH, Struct, TypeName, Value, from_value, is_optional,
    to_value, type_of,
};
use serde::de::value::{Error as AnyFormat, SeqDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, IgnoredAny, IntoDeserializer};
use serde::{Deserialize, Serialize};
use serde_bytes::{ByteArray, ByteBuf, Bytes};

fn array(values: impl IntoIterator<Item = Value>) -> Value {
    Array::try_from(Vec::from_iter(values)).unwrap().into()
}

fn structure<const N: usize>(members: [(&str, Value); N]) -> Value {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Struct::from_members(members.into()).unwrap().into()
}

fn int(number: i64) -> Value {
    Value::Int(number)
}

fn noon() -> DateTime {
    DateTime::parse("20240229T12:00:00.050-01:30").unwrap()
}

/// `rust` is written as `value` and read from it.
#[track_caller]
fn same<T>(rust: T, value: impl Into<Value>)
where
    T: Serialize + DeserializeOwned + PartialEq + Debug + 'static,
{
    let value = value.into();
    assert_eq!(to_value(&rust), Ok(value.clone()));
    assert_eq!(from_value::<T>(value), Ok(rust));
}

#[track_caller]
fn reads<T: DeserializeOwned + PartialEq + Debug + 'static>(value: impl Into<Value>, expected: T) {
    assert_eq!(from_value::<T>(value.into()), Ok(expected));
}

#[track_caller]
fn refuses<T: DeserializeOwned + Debug + 'static>(value: impl Into<Value>, expected: &str) {
    let error = from_value::<T>(value.into()).unwrap_err();
    assert_eq!(error.to_string(), expected);
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Stooges {
    moe: i32,
    larry: Option<i64>,
    #[serde(rename = "curly-joe", default)]
    curly: Vec<String>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Show {
    stooges: Stooges,
    aired: DateTime,
    poster: Base64,
    rating: (f64, bool),
    extra: Value,
    guests: BTreeMap<String, Stooges>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Shape {
    Point,
    Circle(f64),
    Line(i32, i32),
    Rectangle { width: u8, height: u8 },
}

#[derive(Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Color {
    Red,
    Green,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Meters(u16);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Pair(i32, String);

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Unit;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
struct Transparent {
    inner: Vec<Meters>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Flattened {
    id: u32,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
enum Untagged {
    Number(i64),
    Bytes(Base64),
    Text(String),
    Time(DateTime),
    Many(Vec<Untagged>),
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind")]
enum Tagged {
    Seen { at: DateTime },
    Lost,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", content = "of")]
enum Adjacent {
    Seen(DateTime),
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(default)]
    only: i32,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(try_from = "i64")]
struct Even(i64);

impl TryFrom<i64> for Even {
    type Error = String;

    fn try_from(number: i64) -> Result<Even, String> {
        if number % 2 == 0 { Ok(Even(number)) } else { Err("must be even, ".repeat(100)) }
    }
}

fn stooges() -> (Stooges, Value) {
    let rust = Stooges { moe: 1, larry: None, curly: vec!["x".to_owned()] };
    let value =
        structure([("moe", int(1)), ("larry", Value::Nil), ("curly-joe", array(["x".into()]))]);
    (rust, value)
}

#[test]
fn scalars_pass_both_ways() {
    same(i8::MIN, i8::MIN);
    same(u16::MAX, u16::MAX);
    same(i32::MIN, i32::MIN);
    same(u32::MAX, u32::MAX);
    same(i64::MIN, i64::MIN);
    same(i64::MAX as u64, i64::MAX);
    same(i128::from(i64::MIN), i64::MIN);
    same(u128::from(u32::MAX), u32::MAX);
    same(usize::MIN, 0);
    same(true, true);
    same(0.1_f64, 0.1_f64);
    same(0.1_f32, 0.1_f32);
    same('ß', "ß");
    same(String::from("a\0b"), "a\0b");
    same(noon(), noon());
    same(Base64(vec![0, 255]), vec![0, 255]);
    same((), Value::Nil);
    same(Unit, Value::Nil);
    same(Meters(7), 7);
    same(Some(Meters(7)), 7);
    same(None::<Meters>, Value::Nil);
}

#[test]
fn numbers_widen_and_nothing_else_does() {
    reads(3, 3.0_f64);
    reads(3, 3.0_f32);
    reads((1_i64 << 53) + 1, 9_007_199_254_740_992.0_f64);
    refuses::<i32>(3.0, "expected int, found double");
    refuses::<f64>("3", "expected double, found string");
    refuses::<i32>(true, "expected int, found boolean");
    refuses::<bool>(1, "expected boolean, found int");
}

#[test]
fn collections_pass_both_ways() {
    same(vec![1, 2], array([int(1), int(2)]));
    same([1, 2], array([int(1), int(2)]));
    same((1, "a".to_owned()), array([int(1), "a".into()]));
    same(Pair(1, "a".to_owned()), array([int(1), "a".into()]));
    same(Vec::<String>::new(), Array::default());
    same(Transparent { inner: vec![Meters(1)] }, array([int(1)]));
    same(HashMap::from([("a".to_owned(), 1.5)]), structure([("a", 1.5.into())]));
    same(BTreeMap::from([(-1, true)]), structure([("-1", true.into())]));
    same(BTreeMap::from([(false, 1), (true, 2)]), structure([("false", int(1)), ("true", int(2))]));
    same(BTreeMap::from([('a', 1)]), structure([("a", int(1))]));
    same(HashMap::from([(noon().to_string(), 1)]), structure([(&noon().to_string(), int(1))]));
    same(Duration::from_millis(1_500), structure([("secs", int(1)), ("nanos", int(500_000_000))]));
}

#[test]
fn bytes_are_read_as_a_list_of_them_and_as_no_other_list() {
    reads(vec![1, 255], vec![1_u8, 255]);
    reads(vec![1, 255], [1_u8, 255]);
    reads(Vec::<u8>::new(), Vec::<u8>::new());
    same(vec![1_u8], array([int(1)]));
    refuses::<Vec<i32>>(vec![1, 255], "expected array, found base64");
    refuses::<Vec<i32>>(Vec::<u8>::new(), "expected array, found base64");
    refuses::<Array>(vec![1, 255], "expected array, found base64");
    refuses::<[u8; 3]>(vec![1, 255], "expected 3 values, found 2");
    refuses::<Base64>("AQ==", "expected base64, found string");
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Poster {
    #[serde(with = "serde_bytes")]
    image: Vec<u8>,
    thumbnail: Option<ByteBuf>,
}

#[test]
fn serdes_byte_types_are_base64() {
    same(ByteBuf::from(vec![0, 255]), vec![0, 255]);
    same(ByteArray::new([1, 2]), vec![1, 2]);
    same(vec![ByteBuf::from(vec![1])], array([vec![1].into()]));
    same(
        Poster { image: vec![1], thumbnail: Some(ByteBuf::from(vec![2])) },
        structure([("image", vec![1].into()), ("thumbnail", vec![2].into())]),
    );
    assert_eq!(to_value(Bytes::new(&[1])), Ok(vec![1].into()));
    refuses::<ByteBuf>(5, "expected base64, found int");
    refuses::<Poster>(
        structure([("image", array([int(1)]))]),
        ".image: expected base64, found array",
    );
    assert_eq!(type_of::<ByteBuf>(), TypeName::Base64);
    assert_eq!(type_of::<Option<ByteBuf>>(), TypeName::Base64);
    assert_eq!(type_of::<Poster>(), TypeName::Struct);
}

#[test]
fn base64_is_a_slice_and_a_vec() {
    let bytes = Base64::from(&[1, 2, 3][..]);
    assert_eq!((bytes.len(), bytes.first(), &bytes[1..]), (3, Some(&1), &[2, 3][..]));
    assert_eq!(bytes.as_ref(), [1, 2, 3]);
    assert_eq!(Vec::from(bytes), [1, 2, 3]);
}

#[test]
fn structs_pass_both_ways() {
    let (rust, value) = stooges();
    same(rust, value);
    let (rust, value) = stooges();
    let show = Show {
        stooges: rust,
        aired: noon(),
        poster: Base64(vec![1]),
        rating: (4.5, true),
        extra: array([noon().into(), vec![2].into(), Value::Nil]),
        guests: BTreeMap::from([("a".to_owned(), stooges().0)]),
    };
    let members = [
        ("stooges", value),
        ("aired", noon().into()),
        ("poster", vec![1].into()),
        ("rating", array([4.5.into(), true.into()])),
        ("extra", array([noon().into(), vec![2].into(), Value::Nil])),
        ("guests", structure([("a", stooges().1)])),
    ];
    same(show, structure(members));
}

#[test]
fn missing_options_and_defaults_are_filled_in_and_unknown_members_ignored() {
    let value = structure([("junk", array([noon().into()])), ("moe", int(1))]);
    reads(value, Stooges { moe: 1, larry: None, curly: Vec::new() });
}

#[test]
fn enums_pass_both_ways() {
    same(Color::Green, "green");
    same(Shape::Point, "Point");
    same(Shape::Circle(1.5), structure([("Circle", 1.5.into())]));
    same(Shape::Line(1, 2), structure([("Line", array([int(1), int(2)]))]));
    let sides = structure([("width", int(1)), ("height", int(2))]);
    same(Shape::Rectangle { width: 1, height: 2 }, structure([("Rectangle", sides)]));
    reads(structure([("Point", Value::Nil)]), Shape::Point);
    same(HashMap::from([(Color::Red, Color::Green)]), structure([("red", "green".into())]));
}

#[test]
fn dates_and_bytes_survive_what_serde_buffers() {
    let rest = BTreeMap::from([
        ("time".to_owned(), noon().into()),
        ("raw".to_owned(), array([vec![1].into(), Value::Nil])),
    ]);
    let raw = array([vec![1].into(), Value::Nil]);
    let value = structure([("id", int(1)), ("raw", raw), ("time", noon().into())]);
    same(Flattened { id: 1, rest }, value);
    same(Untagged::Time(noon()), noon());
    same(Untagged::Text(noon().to_string()), noon().to_string());
    same(Untagged::Bytes(Base64(vec![1])), vec![1]);
    same(
        Untagged::Many(vec![Untagged::Number(1), Untagged::Time(noon())]),
        array([int(1), noon().into()]),
    );
    let seen = [("kind", "Seen".into()), ("at", noon().into())];
    same(Tagged::Seen { at: noon() }, structure(seen));
    same(Tagged::Lost, structure([("kind", "Lost".into())]));
    same(Adjacent::Seen(noon()), structure([("kind", "Seen".into()), ("of", noon().into())]));
}

#[test]
fn error_says_what_was_expected_and_found() {
    refuses::<i32>("secret", "expected int, found string");
    refuses::<String>(5, "expected string, found int");
    refuses::<String>(1_i64 << 40, "expected string, found i8");
    refuses::<String>(noon(), "expected string, found dateTime.iso8601");
    refuses::<DateTime>(noon().to_string(), "expected dateTime.iso8601, found string");
    refuses::<()>(vec![0], "expected nil, found base64");
    refuses::<Vec<i32>>(structure([]), "expected array, found struct");
    refuses::<Stooges>(Array::default(), "expected struct, found array");
    refuses::<Struct>(1, "expected struct, found int");
    refuses::<Option<i32>>(1.5, "expected int, found double");
    refuses::<char>("ab", "expected a character, found another string");
    refuses::<u8>(256, "expected int from 0 to 255");
    refuses::<u64>(-1, "expected int from 0 to 18446744073709551615");
    refuses::<i32>(1_i64 << 31, "expected int from -2147483648 to 2147483647");
    refuses::<f32>(1e300, "expected double in the range of 32 bits");
    refuses::<std::num::NonZeroU8>(0, "expected a nonzero u8, found another int");
}

#[test]
fn error_says_where_in_the_types_own_names() {
    refuses::<Stooges>(structure([("moe", "secret".into())]), ".moe: expected int, found string");
    refuses::<Stooges>(structure([]), "missing member `moe`");
    refuses::<Vec<Stooges>>(array([stooges().1, structure([])]), "[1]: missing member `moe`");
    refuses::<Stooges>(
        structure([("moe", int(1)), ("curly-joe", array(["x".into(), Value::Nil]))]),
        ".curly-joe[1]: expected string, found nil",
    );
    refuses::<HashMap<String, Vec<i32>>>(
        structure([("a", array([])), ("secret", array([true.into()]))]),
        "[member 1][0]: expected int, found boolean",
    );
    refuses::<HashMap<i8, i32>>(
        structure([("secret", int(1))]),
        "[member 0]: expected a name that reads as int",
    );
    refuses::<Strict>(
        structure([("only", int(1)), ("secret", int(1))]),
        "[member 1]: unknown member, expected `only`",
    );
    refuses::<(i32, bool)>(array([int(1)]), "expected 2 values, found 1");
    refuses::<(i32, bool)>(array([int(1), int(1)]), "[1]: expected boolean, found int");
    refuses::<Pair>(array([int(1), int(1)]), "[1]: expected string, found int");
}

#[test]
fn error_in_an_enum_says_which_variants_there_are() {
    let all = "unknown variant, expected one of `Point`, `Circle`, `Line`, `Rectangle`";
    refuses::<Shape>("secret", all);
    refuses::<Shape>(structure([("secret", int(1))]), all);
    refuses::<HashMap<Color, i32>>(
        structure([("secret", int(1))]),
        "[member 0]: unknown variant, expected one of `red`, `green`",
    );
    refuses::<Shape>(5, "expected string or struct, found int");
    refuses::<Shape>(structure([]), "expected struct of one member");
    refuses::<Shape>("Circle", "expected struct, found string");
    refuses::<Shape>(structure([("Point", int(1))]), ".Point: expected nil, found int");
    refuses::<Shape>(
        structure([("Circle", "secret".into())]),
        ".Circle: expected double, found string",
    );
    refuses::<Shape>(
        structure([("Rectangle", structure([("width", int(300))]))]),
        ".Rectangle.width: expected int from 0 to 255",
    );
    refuses::<Untagged>(true, "data did not match any variant of untagged enum Untagged");
    refuses::<Tagged>(
        structure([("kind", "Seen".into()), ("at", int(1))]),
        "expected dateTime.iso8601, found int",
    );
}

#[test]
fn types_own_words_are_passed_on_up_to_a_length() {
    reads(4, Even(4));
    let error = from_value::<Vec<Even>>(array([int(3)])).unwrap_err().to_string();
    assert!(error.starts_with("[0]: must be even, must"), "{error}");
    assert_eq!(error.len(), "[0]: ".len() + 200);
    refuses::<std::net::Ipv4Addr>("secret", "invalid IPv4 address syntax");
}

#[test]
fn error_is_placed_in_a_calls_parameters() {
    let nested = from_value::<Stooges>(structure([("moe", "x".into())])).unwrap_err();
    let expected = "params[1].moe: expected int, found string";
    assert_eq!(nested.in_param(1).to_string(), expected);
    let whole = from_value::<i32>("x".into()).unwrap_err();
    assert_eq!(whole.in_param(0).to_string(), "params[0]: expected int, found string");
}

#[test]
fn what_has_no_form_cannot_be_made_into_a_value() {
    #[track_caller]
    fn check<T: Serialize>(rust: T, expected: &str) {
        assert_eq!(to_value(&rust).unwrap_err().to_string(), expected);
    }
    check(u64::MAX, "an integer is beyond 64 bits");
    check(vec![i128::MIN], "an integer is beyond 64 bits");
    let no_name = "a map's key is no text, integer or truth value";
    check(HashMap::from([((1, 2), 1)]), no_name);
    check(HashMap::from([(None::<i32>, 1)]), no_name);
    check(HashMap::from([(vec![1], 1)]), no_name);
}

#[test]
fn result_is_no_value_at_any_depth() {
    #[derive(Serialize)]
    struct Report {
        outcome: Result<i32, String>,
    }
    #[derive(Serialize)]
    enum Outcome {
        Ok(i32),
    }
    #[track_caller]
    fn check<T: Serialize>(rust: T) {
        let text = to_value(&rust).unwrap_err().to_string();
        assert_eq!(text, "a Result is no value: return it from the method itself, or match it");
    }
    check::<Result<i32, String>>(Ok(1));
    check::<Result<(), String>>(Err("no".to_owned()));
    check::<Vec<Result<i32, String>>>(vec![Ok(1)]);
    check::<Option<Result<i32, ()>>>(Some(Err(())));
    check(HashMap::from([("a", Some([Report { outcome: Ok(1) }]))]));
    check(Report { outcome: Err("no".to_owned()) });
    assert_eq!(to_value(&Vec::<Result<i32, String>>::new()), Ok(array([])));
    assert_eq!(to_value(&Outcome::Ok(1)), Ok(structure([("Ok", int(1))])));
}

#[test]
fn later_of_equal_names_wins() {
    let rest = BTreeMap::from([("id".to_owned(), int(2))]);
    assert_eq!(to_value(&Flattened { id: 1, rest }), Ok(structure([("id", int(2))])));
}

#[test]
fn other_formats_see_text_and_bytes() {
    struct Written<T>(T);
    impl<T: Serialize> Display for Written<T> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            self.0.serialize(f)
        }
    }
    let text = noon().to_string();
    assert_eq!(Written(noon()).to_string(), text);
    let from_text: StrDeserializer<AnyFormat> = text.as_str().into_deserializer();
    assert_eq!(DateTime::deserialize(from_text), Ok(noon()));
    let junk: StrDeserializer<AnyFormat> = "junk".into_deserializer();
    assert!(DateTime::deserialize(junk).is_err());
    let numbers: SeqDeserializer<_, AnyFormat> = vec![1_u64, 2].into_deserializer();
    assert_eq!(Value::deserialize(numbers), Ok(array([int(1), int(2)])));
}

#[test]
fn type_has_a_name_without_a_value() {
    #[track_caller]
    fn check<T: DeserializeOwned + 'static>(expected: &str) {
        assert_eq!(type_of::<T>().as_str(), expected);
    }
    check::<i8>("int");
    check::<i16>("int");
    check::<i32>("int");
    check::<u8>("int");
    check::<u16>("int");
    check::<u32>("i8");
    check::<i64>("i8");
    check::<u64>("i8");
    check::<i128>("i8");
    check::<u128>("i8");
    check::<usize>("i8");
    check::<Even>("i8");
    check::<std::num::NonZeroI16>("int");
    check::<bool>("boolean");
    check::<f32>("double");
    check::<f64>("double");
    check::<char>("string");
    check::<String>("string");
    check::<Box<str>>("string");
    check::<std::net::IpAddr>("string");
    check::<Base64>("base64");
    check::<DateTime>("dateTime.iso8601");
    check::<Vec<u8>>("array");
    check::<Vec<Value>>("array");
    check::<Array>("array");
    check::<(i32, String)>("array");
    check::<[f64; 3]>("array");
    check::<Pair>("array");
    check::<Transparent>("array");
    check::<Struct>("struct");
    check::<HashMap<String, i32>>("struct");
    check::<Show>("struct");
    check::<Flattened>("struct");
    check::<Duration>("struct");
    check::<()>("nil");
    check::<Unit>("nil");
    check::<Meters>("int");
    check::<Option<Meters>>("int");
    check::<Option<Box<Option<DateTime>>>>("dateTime.iso8601");
    check::<Value>("any");
    check::<Option<Value>>("any");
    check::<IgnoredAny>("any");
    assert_eq!(type_of::<&str>().as_str(), "string");
    assert_eq!(type_of::<&[u8]>().as_str(), "base64");
}

#[test]
fn enum_is_a_string_a_struct_or_either() {
    #[derive(Deserialize)]
    #[expect(dead_code)]
    enum Full {
        Number(i32),
        Place { x: i32 },
        Pair(i32, i32),
    }
    #[derive(Deserialize)]
    enum Never {}

    assert_eq!(type_of::<Color>().as_str(), "string");
    assert_eq!(type_of::<Full>().as_str(), "struct");
    assert_eq!(type_of::<Option<Full>>().as_str(), "struct");
    assert_eq!(type_of::<Shape>().as_str(), "any");
    assert_eq!(type_of::<Never>().as_str(), "any");
    assert_eq!(type_of::<Untagged>().as_str(), "any");
    assert_eq!(type_of::<Tagged>().as_str(), "any");
    assert_eq!(type_of::<Adjacent>().as_str(), "struct");
}

#[test]
fn endlessly_wrapped_type_has_a_name_too() {
    #[derive(Deserialize)]
    struct Wrapped(#[expect(dead_code)] Option<Box<Wrapped>>);

    assert_eq!(type_of::<Wrapped>().as_str(), "any");
}

#[test]
fn only_an_option_is_optional() {
    #[derive(Deserialize)]
    struct Maybe(#[expect(dead_code)] Option<i32>);
    #[derive(Deserialize)]
    struct Outer(#[expect(dead_code)] Maybe);
    #[derive(Deserialize)]
    #[serde(transparent)]
    struct Clear {
        #[expect(dead_code)]
        inner: Option<String>,
    }
    #[derive(Deserialize)]
    struct Endless(#[expect(dead_code)] Box<Endless>);
    #[track_caller]
    fn check<T: DeserializeOwned>(expected: bool) {
        assert_eq!(is_optional::<T>(), expected);
    }
    check::<Option<i32>>(true);
    check::<Option<Value>>(true);
    check::<Option<Option<DateTime>>>(true);
    check::<Box<Option<Stooges>>>(true);
    check::<Maybe>(true);
    check::<Outer>(true);
    check::<Clear>(true);
    check::<Value>(false);
    check::<()>(false);
    check::<Unit>(false);
    check::<String>(false);
    check::<i32>(false);
    check::<DateTime>(false);
    check::<Base64>(false);
    check::<Meters>(false);
    check::<Vec<Option<i32>>>(false);
    check::<(Option<i32>,)>(false);
    check::<Stooges>(false);
    check::<Flattened>(false);
    check::<Shape>(false);
    check::<Untagged>(false);
    check::<Tagged>(false);
    check::<IgnoredAny>(false);
    check::<Endless>(false);
}

/// A value of that many levels, arrays and structs by turns.
fn nested(levels: usize) -> Value {
    (1..levels).fold(int(1), |value, level| match level % 2 {
        0 => array([value]),
        _ => structure([("a", value)]),
    })
}

fn in_a_small_stack(work: impl FnOnce() + Send + 'static) {
    let thread = std::thread::Builder::new().stack_size(1 << 20).spawn(work);
    thread.unwrap().join().unwrap();
}

#[test]
fn deepest_value_passes_in_half_a_small_stack() {
    in_a_small_stack(|| {
        let deepest = nested(MAX_VALUE_DEPTH);
        assert_eq!(to_value(&deepest), Ok(deepest.clone()));
        assert_eq!(from_value(deepest.clone()), Ok(deepest));
    });
}

#[test]
fn deepest_value_passes_through_serdes_buffer() {
    let deepest = (1..MAX_VALUE_DEPTH).fold(int(1), |value, _| array([value]));
    assert_eq!(to_value(&from_value::<Untagged>(deepest.clone()).unwrap()), Ok(deepest));
}

#[test]
fn deeper_rust_value_is_an_error_wherever_its_levels_come_from() {
    #[derive(Serialize)]
    struct Linked {
        next: Option<Box<Linked>>,
    }
    #[derive(Serialize)]
    enum Chain {
        End,
        Next(Box<Chain>),
        Tuple(Box<Chain>, i32),
        Fields { next: Box<Chain> },
    }
    fn linked(levels: usize) -> Linked {
        (2..levels).fold(Linked { next: None }, |next, _| Linked { next: Some(Box::new(next)) })
    }
    fn chained(levels: usize, around: fn(Box<Chain>) -> Chain) -> Chain {
        (0..levels).fold(Chain::End, |chain, _| around(Box::new(chain)))
    }
    #[track_caller]
    fn check<T: Serialize>(deepest: T, levels: usize, deeper: T) {
        assert_eq!(to_value(&deepest).unwrap().depth(), levels);
        let text = to_value(&deeper).unwrap_err().to_string();
        assert_eq!(text, "a value nests deeper than 256 levels");
    }
    check(linked(256), 256, linked(257));
    check(linked(256), 256, linked(2_000));
    check(chained(255, Chain::Next), 256, chained(256, Chain::Next));
    let tuple = |next| Chain::Tuple(next, 1);
    check(chained(127, tuple), 255, chained(128, tuple));
    let fields = |next| Chain::Fields { next };
    check(chained(127, fields), 255, chained(128, fields));
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Holder {
    value: Value,
    list: Vec<Value>,
    maybe: Option<DateTime>,
    #[serde(flatten)]
    rest: Struct,
}

proptest! {
    #[test]
    fn value_is_itself_through_serde(value in values::value()) {
        let made = to_value(&value).unwrap();
        prop_assert_eq!(&made, &value);
        prop_assert_eq!(from_value::<Value>(made).unwrap(), value);
    }

    #[test]
    fn value_is_itself_inside_a_users_struct(
        value in values::value(),
        list in proptest::collection::vec(values::value(), 0..4),
        maybe in proptest::option::of(values::datetime()),
    ) {
        let members = vec![("other".to_owned(), value.clone()), ("one".to_owned(), value.clone())];
        let rest = Struct::from_members(members).unwrap();
        let holder = Holder { value, list, maybe, rest };
        prop_assert_eq!(from_value::<Holder>(to_value(&holder).unwrap()).unwrap(), holder);
    }

    #[test]
    fn any_value_is_read_as_any_type_without_panic(value in values::value()) {
        let _ = from_value::<Show>(value.clone());
        let _ = from_value::<Untagged>(value.clone());
        let _ = from_value::<Shape>(value.clone());
        let _ = from_value::<HashMap<i32, Vec<u8>>>(value.clone());
        prop_assert!(from_value::<IgnoredAny>(value).is_ok());
    }
}

#[test]
fn type_of_endless_options_ends() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Chain(Option<Box<Chain>>);
    let error = from_value::<Chain>(Value::Int(1)).unwrap_err();
    assert_eq!(error.to_string(), "expected nil, found a value in too many options");
    assert!(from_value::<Chain>(Value::Nil).is_ok());
    let long = (0..20_000).fold(Chain(None), |chain, _| Chain(Some(Box::new(chain))));
    assert!(to_value(&long).is_err());
    // Dropping it one by one, since its own drop recurses.
    let mut rest = Some(Box::new(long));
    while let Some(mut chain) = rest {
        rest = chain.0.take();
    }
}
