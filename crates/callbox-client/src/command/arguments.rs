//! Words become parameters: by their prefix, else as the method's signature says, else as JSON where
//! they are that, else as texts.

use callbox_client::{DateTime, Struct, Value};
use protocol::json::as_type;
use protocol::xmlrpc::{TypeName, check_writable};

use super::ending::Ending;
use super::options::usage;
use super::{content, json};

/// An argument before its type is known.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Argument {
    /// A prefix told its type.
    Value(Value),
    /// A bare word.
    Text(String),
    /// What was in a file or came by stdin.
    Content(Vec<u8>),
}

/// Reads `words` as far as can be done without a signature.
pub(crate) fn arguments(words: &[String]) -> Result<Vec<Argument>, Ending> {
    if words.iter().filter(|word| matches!(word.as_str(), "-" | "h/-")).count() > 1 {
        return Err(usage("- stands for stdin, which is there once"));
    }
    let read =
        |(index, word): (usize, &String)| argument(word).map_err(|ending| in_place(ending, index));
    words.iter().enumerate().map(read).collect()
}

/// Reads `words`, each `NAME=ARG`, as one struct.
pub(crate) fn members(words: &[String]) -> Result<Value, Ending> {
    let pairs = words.iter().map(|word| word.split_once('='));
    let pairs = pairs.collect::<Option<Vec<_>>>();
    let pairs = pairs.ok_or_else(|| usage("--struct takes arguments as NAME=ARG"))?;
    let (names, words): (Vec<_>, Vec<_>) =
        pairs.into_iter().map(|(name, word)| (name.to_owned(), word.to_owned())).unzip();
    let twice = names.iter().enumerate().find(|(index, name)| names[..*index].contains(name));
    if let Some((_, name)) = twice {
        return Err(usage(format!("{name} is there twice")));
    }
    let values = typed(arguments(&words)?, &[])?;
    let members = Struct::from_members(names.into_iter().zip(values).collect());
    members.map(Value::from).map_err(|error| usage(error.to_string()))
}

/// The parameters, by the types of a signature where there are any.
pub(crate) fn typed(arguments: Vec<Argument>, types: &[String]) -> Result<Vec<Value>, Ending> {
    let value = |(index, argument): (usize, Argument)| {
        let value = match (argument, types.get(index)) {
            (Argument::Value(value), _) => Ok(value),
            (Argument::Text(text), Some(name)) => by_type(text, name),
            (Argument::Text(text), None) => Ok(guessed(text)),
            (Argument::Content(bytes), name) => held(bytes, name.map(String::as_str)),
        };
        value.map_err(|why| usage(format!("argument {}: {why}", index + 1)))
    };
    arguments.into_iter().enumerate().map(value).collect()
}

fn in_place(ending: Ending, index: usize) -> Ending {
    match ending {
        Ending::Usage(why) => usage(format!("argument {}: {why}", index + 1)),
        other => other,
    }
}

fn argument(word: &str) -> Result<Argument, Ending> {
    if let Some(bytes) = content::of(word)? {
        return Ok(Argument::Content(bytes));
    }
    let Some((prefix, text)) = word.split_once('/') else {
        return Ok(Argument::Text(word.to_owned()));
    };
    let value = match prefix {
        "i" => text.parse::<i32>().ok().map(Value::from).ok_or("expected i/ with an int"),
        "I" => text.parse::<i64>().ok().map(Value::from).ok_or("expected I/ with an i8"),
        "d" => double(text).ok_or("expected d/ with a double"),
        "b" => boolean(text).ok_or("expected b/0 or b/1"),
        "s" => Ok(text.into()),
        "n" if text.is_empty() => Ok(Value::Nil),
        "n" => Err("expected n/ with nothing behind it"),
        "h" => match content::of(text).map(|content| content.or_else(|| hex(text)))? {
            Some(bytes) => Ok(Value::Base64(bytes)),
            None => Err("expected h/ with two digits of hex for each byte"),
        },
        _ => return Ok(Argument::Text(word.to_owned())),
    };
    value.map(Argument::Value).map_err(usage)
}

fn double(text: &str) -> Option<Value> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).map(Value::from)
}

fn boolean(text: &str) -> Option<Value> {
    match text {
        "1" | "true" => Some(true.into()),
        "0" | "false" => Some(false.into()),
        _ => None,
    }
}

fn hex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let pair = |pair: &[u8]| Some(digit(pair[0])? * 16 + digit(*pair.get(1)?)?);
    text.as_bytes().chunks(2).map(pair).collect()
}

/// A text as the type that the server calls `name`.
fn by_type(text: String, name: &str) -> Result<Value, String> {
    let value = match name {
        "string" => return Ok(text.into()),
        "int" | "i4" | "i8" | "i1" | "i2" => text.parse::<i64>().ok().map(Value::from),
        "double" => double(&text),
        "boolean" => boolean(&text),
        "dateTime.iso8601" => DateTime::parse(&text).ok().map(Value::from),
        "base64" => as_type(text.into(), TypeName::Base64).ok(),
        "array" | "struct" => json::read(&text).filter(|value| value.type_name() == name),
        "nil" => Some(Value::Nil).filter(|_| text.is_empty() || text == "null"),
        _ => return Ok(guessed(text)),
    };
    let form = if matches!(name, "array" | "struct") { " in JSON" } else { "" };
    value.ok_or_else(|| format!("expected {name}{form}"))
}

/// A text of no known type: JSON where it is that.
fn guessed(text: String) -> Value {
    json::read(&text).unwrap_or(Value::String(text))
}

/// What was in a file: bytes where they are wanted or cannot be text.
fn held(bytes: Vec<u8>, name: Option<&str>) -> Result<Value, String> {
    if name == Some("base64") {
        return Ok(Value::Base64(bytes));
    }
    let text = match String::from_utf8(bytes) {
        Ok(text) => Value::String(text),
        Err(error) => Value::Base64(error.into_bytes()),
    };
    match (text, name) {
        (Value::String(text), Some(name)) if name != "string" => by_type_of_file(text, name),
        (Value::String(text), None) if check_writable(&Value::from(&*text)).is_err() => {
            Ok(Value::Base64(text.into_bytes()))
        }
        (text, _) => Ok(text),
    }
}

/// A file ends with a line end, which is no part of a number. One of no known type is a text.
fn by_type_of_file(text: String, name: &str) -> Result<Value, String> {
    const KNOWN: [&str; 9] =
        ["int", "i4", "i8", "double", "boolean", "dateTime.iso8601", "array", "struct", "nil"];
    if KNOWN.contains(&name) { by_type(text.trim().to_owned(), name) } else { Ok(text.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(word: &str, types: &[&str]) -> Result<Value, String> {
        let types: Vec<String> = types.iter().map(|name| (*name).to_owned()).collect();
        let read = arguments(&[word.to_owned()]).and_then(|arguments| typed(arguments, &types));
        match read {
            Ok(mut values) => Ok(values.remove(0)),
            Err(Ending::Usage(why)) => Err(why),
            Err(other) => panic!("{other:?}"),
        }
    }

    #[track_caller]
    fn check(word: &str, types: &[&str], expected: impl Into<Value>) {
        assert_eq!(read(word, types), Ok(expected.into()), "{word} {types:?}");
    }

    #[test]
    fn prefix_wins() {
        for types in [&[][..], &["struct"]] {
            check("i/5", types, 5);
            check("i/-2147483648", types, i32::MIN);
            check("I/-9000000000", types, -9_000_000_000_i64);
            check("d/1", types, 1.0);
            check("d/-1.5e3", types, -1500.0);
            check("s/5", types, "5");
            check("s/@x/y", types, "@x/y");
            check("s/", types, "");
            check("b/1", types, true);
            check("b/false", types, false);
            check("h/00fF", types, vec![0_u8, 255]);
            check("h/", types, Vec::new());
            check("n/", types, Value::Nil);
        }
        let bad =
            ["i/", "i/2147483648", "i/1.5", "I/x", "d/inf", "d/", "b/2", "h/0", "h/0g", "n/x"];
        for word in bad {
            assert!(read(word, &[]).unwrap_err().starts_with("argument 1: expected "), "{word}");
        }
    }

    #[test]
    fn signature_says_what_a_bare_word_is() {
        check("5", &["string"], "5");
        check("5", &["int"], 5);
        check("-5", &["i8"], -5);
        check("5", &["double"], 5.0);
        check("1", &["boolean"], true);
        check(
            "19980717T14:08:55",
            &["dateTime.iso8601"],
            DateTime::new(1998, 7, 17, 14, 8, 55).unwrap(),
        );
        check("AP8=", &["base64"], vec![0_u8, 255]);
        check("null", &["nil"], Value::Nil);
        check("[1]", &["array"], Value::Array(vec![1.into()].try_into().unwrap()));
        check("5", &["any"], 5);
        check("etc/passwd", &["string"], "etc/passwd");
        for (word, name) in [
            ("x", "int"),
            ("1.5", "int"),
            ("x", "double"),
            ("2", "boolean"),
            ("now", "dateTime.iso8601"),
            ("x", "nil"),
        ] {
            assert_eq!(read(word, &[name]), Err(format!("argument 1: expected {name}")));
        }
        for (word, name) in [("{}", "array"), ("[", "array"), ("5", "struct")] {
            assert_eq!(read(word, &[name]), Err(format!("argument 1: expected {name} in JSON")));
        }
    }

    #[test]
    fn else_it_is_json_or_a_text() {
        check("5", &[], 5);
        check("-5", &[], -5);
        check("5.0", &[], 5.0);
        check("true", &[], true);
        check("null", &[], Value::Nil);
        check("\"5\"", &[], "5");
        check("007", &[], "007");
        check("text", &[], "text");
        check("", &[], "");
        check("1, 2", &[], "1, 2");
        check("1],[2", &[], "1],[2");
        check("99999999999999999999", &[], "99999999999999999999");
        check("a/b", &[], "a/b");
    }

    #[test]
    fn content_of_a_file_is_text_or_bytes() {
        let check = |bytes: &[u8], name, expected: Value| {
            assert_eq!(held(bytes.to_vec(), name), Ok(expected), "{bytes:?} {name:?}");
        };
        check(b"5\n", None, "5\n".into());
        check(b"5\n", Some("string"), "5\n".into());
        check(b"5\n", Some("int"), 5.into());
        check(b"5\n", Some("any"), "5\n".into());
        check(b"5\n", Some("base64"), b"5\n".as_slice().into());
        check(&[0xff], None, [0xff].as_slice().into());
        check(&[0], None, [0].as_slice().into());
        let name = std::env::temp_dir().join(format!("callbox-argument-{}", std::process::id()));
        std::fs::write(&name, "text").unwrap();
        super::tests::check(&format!("@{}", name.display()), &[], "text");
        super::tests::check(&format!("h/@{}", name.display()), &[], b"text".as_slice());
        std::fs::remove_file(&name).unwrap();
        assert!(read("@/nowhere", &[]).unwrap_err().starts_with("argument 1: /nowhere: "));
    }

    #[test]
    fn pairs_make_one_struct() {
        let words =
            |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let value = members(&words(&["a=1", "b=i/2", "c=x=y", "d="])).unwrap();
        let members_of =
            value.as_struct().unwrap().iter().map(|(name, value)| (name, value.clone()));
        assert_eq!(
            members_of.collect::<Vec<_>>(),
            [("a", 1.into()), ("b", 2.into()), ("c", "x=y".into()), ("d", "".into())]
        );
        for bad in [&["a"][..], &["a=1", "a=2"], &["a=i/x"]] {
            assert!(matches!(members(&words(bad)), Err(Ending::Usage(_))), "{bad:?}");
        }
        for twice in [["-", "-"], ["-", "h/-"]] {
            assert!(matches!(arguments(&words(&twice)), Err(Ending::Usage(_))));
        }
    }
}
