//! Plain documents to calls, in one pass and without a tree. Plain is what nearly all clients send:
//! elements of XML-RPC and text, in the specification's order, with no comment, CDATA section,
//! processing instruction, attribute, prefix or DOCTYPE.
//!
//! What is not plain, is over a limit, or is wrong is not judged here: it gives `None`, and the tree
//! is asked. So this file says only what a document means where it is certain.

use std::borrow::Cow;

use crate::xmlrpc::chars::{is_blank, is_xml_char, next_special, trim};
use crate::xmlrpc::datetime::DateTime;
use crate::xmlrpc::limits::Limits;
use crate::xmlrpc::message::MethodCall;
use crate::xmlrpc::scalar::{IntKind, parse_base64, parse_boolean, parse_double, parse_int};
use crate::xmlrpc::value::{Array, Struct, Value};

/// The longest name of an element that is read here.
const LONGEST_NAME: &str = "dateTime.iso8601";

/// The longest reference that is read here: `&quot;`.
const MAX_REFERENCE_BYTES: usize = 6;

/// Reads a call from `markup`, which begins after the XML declaration, if it is plain.
pub(super) fn call(markup: &str, limits: &Limits) -> Option<MethodCall> {
    if limits.name_bytes < LONGEST_NAME.len() {
        return None;
    }
    let mut reader = Reader { text: markup, at: 0, elements: 0 };
    let call = reader.call(limits.value_depth())?;
    reader.skip_blanks();
    (reader.at == markup.len() && reader.elements <= limits.elements).then_some(call)
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
    /// Elements so far.
    elements: usize,
}

impl<'a> Reader<'a> {
    fn call(&mut self, depth: usize) -> Option<MethodCall> {
        self.open("<methodCall>")?;
        self.open("<methodName>")?;
        let name = trim(&self.text()?).to_owned();
        self.close("</methodName>")?;
        self.skip_blanks();
        let params = if self.is_next("</methodCall>") { Vec::new() } else { self.params(depth)? };
        self.close("</methodCall>")?;
        (!name.is_empty()).then(|| MethodCall::new(name, params))
    }

    fn params(&mut self, depth: usize) -> Option<Vec<Value>> {
        let mut params = Vec::new();
        if self.is_opened("<params/>") {
            return Some(params);
        }
        self.open("<params>")?;
        while !self.is_closed("</params>") {
            self.open("<param>")?;
            params.push(self.value(depth)?);
            self.close("</param>")?;
        }
        Some(params)
    }

    /// Reads a `value` element, with `depth` levels of values to go.
    fn value(&mut self, depth: usize) -> Option<Value> {
        let inner_depth = depth.checked_sub(1)?;
        self.open("<value")?;
        if self.take("/>").is_some() {
            return Some(Value::String(String::new()));
        }
        self.take(">")?;
        let start = self.at;
        self.skip_blanks();
        let value = if self.is_next("<") && !self.is_next("</") {
            let value = self.typed(inner_depth)?;
            self.skip_blanks();
            value
        } else {
            // Blanks count where no element follows.
            self.at = start;
            self.string()?
        };
        self.take("</value>")?;
        Some(value)
    }

    fn typed(&mut self, depth: usize) -> Option<Value> {
        let tag = self.tag()?;
        let value = match tag {
            "string>" => self.string()?,
            "int>" | "i4>" => self.integer(IntKind::I4)?,
            "struct>" => return self.structure(depth),
            "array>" => return self.array(depth),
            "double>" => Value::Double(parse_double(self.raw()).ok()?),
            "boolean>" => Value::Boolean(parse_boolean(self.raw()).ok()?),
            "dateTime.iso8601>" => Value::DateTime(DateTime::parse(self.raw()).ok()?),
            "base64>" => Value::Base64(parse_base64(self.raw()).ok()?),
            "i8>" => self.integer(IntKind::I8)?,
            "i1>" => self.integer(IntKind::I1)?,
            "i2>" => self.integer(IntKind::I2)?,
            "nil/>" => return Some(Value::Nil),
            "array/>" => return Some(Value::Array(Array::default())),
            "struct/>" => return Some(Value::Struct(Struct::default())),
            "string/>" => return Some(Value::String(String::new())),
            _ => return None,
        };
        self.take("</")?;
        self.take(tag)?;
        Some(value)
    }

    fn integer(&mut self, kind: IntKind) -> Option<Value> {
        parse_int(kind, self.raw()).ok().map(Value::Int)
    }

    fn string(&mut self) -> Option<Value> {
        Some(Value::String(self.text()?.into_owned()))
    }

    fn array(&mut self, depth: usize) -> Option<Value> {
        let mut values = Vec::new();
        self.skip_blanks();
        if !self.is_opened("<data/>") {
            self.open("<data>")?;
            while !self.is_closed("</data>") {
                values.push(self.value(depth)?);
            }
        }
        self.close("</array>")?;
        Array::try_from(values).ok().map(Value::Array)
    }

    fn structure(&mut self, depth: usize) -> Option<Value> {
        let mut members = Vec::new();
        while !self.is_closed("</struct>") {
            self.open("<member>")?;
            self.open("<name>")?;
            let name = self.text()?.into_owned();
            self.take("</name>")?;
            self.skip_blanks();
            members.push((name, self.value(depth)?));
            self.close("</member>")?;
        }
        Struct::from_members(members).ok().map(Value::Struct)
    }

    /// Blanks, then a start tag.
    fn open(&mut self, tag: &str) -> Option<()> {
        self.is_opened(tag).then_some(())
    }

    /// Blanks, then the start tag if it is there; or a tag that is both start and end.
    fn is_opened(&mut self, tag: &str) -> bool {
        let is_opened = self.is_closed(tag);
        self.elements += usize::from(is_opened);
        is_opened
    }

    /// Blanks, then an end tag.
    fn close(&mut self, tag: &str) -> Option<()> {
        self.is_closed(tag).then_some(())
    }

    /// Blanks, then the end tag if it is there.
    fn is_closed(&mut self, tag: &str) -> bool {
        self.skip_blanks();
        self.take(tag).is_some()
    }

    /// The start tag that stands here, past its `<`.
    fn tag(&mut self) -> Option<&'a str> {
        let rest = &self.text[self.at..];
        let length = rest.bytes().take(LONGEST_NAME.len() + 3).position(|byte| byte == b'>')? + 1;
        self.at += length;
        self.elements += 1;
        rest.get(1..length)
    }

    fn take(&mut self, expected: &str) -> Option<()> {
        let is_here = self.is_next(expected);
        self.at += if is_here { expected.len() } else { 0 };
        is_here.then_some(())
    }

    fn is_next(&self, expected: &str) -> bool {
        self.text.as_bytes()[self.at..].starts_with(expected.as_bytes())
    }

    fn skip_blanks(&mut self) {
        while self.text.as_bytes().get(self.at).is_some_and(|byte| is_blank(*byte)) {
            self.at += 1;
        }
    }

    /// The characters up to the next tag as they stand there. Who reads them refuses references and
    /// what XML does not allow, as no number or date has them.
    fn raw(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let length = memchr::memchr(b'<', rest.as_bytes()).unwrap_or(rest.len());
        self.at += length;
        &rest[..length]
    }

    /// The characters up to the next tag, references replaced.
    fn text(&mut self) -> Option<Cow<'a, str>> {
        let bytes = self.text.as_bytes();
        let (mut from, mut replaced) = (self.at, String::new());
        let mut seek = from;
        loop {
            let at = next_special(bytes, seek)?;
            seek = at + 1;
            match bytes[at] {
                b'<' => {
                    let last = &self.text[from..at];
                    self.at = at;
                    return Some(match replaced.is_empty() {
                        true => Cow::Borrowed(last),
                        false => Cow::Owned(replaced + last),
                    });
                }
                b'&' => {
                    let (c, length) = reference(&self.text[at..])?;
                    replaced.push_str(&self.text[from..at]);
                    replaced.push(c);
                    from = at + length;
                    seek = from;
                }
                b'>' if !bytes[..at].ends_with(b"]]") => {}
                _ if self.text[at..].chars().next().is_some_and(|c| c > '>' && is_xml_char(c)) => {}
                _ => return None,
            }
        }
    }
}

/// The character that the reference at the start of `text` names, and the reference's length.
fn reference(text: &str) -> Option<(char, usize)> {
    let end = text.bytes().take(MAX_REFERENCE_BYTES).position(|byte| byte == b';')?;
    let c = match &text[1..end] {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => return None,
    };
    Some((c, end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmlrpc::decode::tree;

    /// What is read here, which is what the tree reads.
    #[track_caller]
    fn read(value: &str) -> Option<Value> {
        let markup = format!(
            "\n<methodCall> <methodName> m </methodName>\n<params> <param>{value}</param></params></methodCall> "
        );
        let direct = call(&markup, &Limits::DEFAULT)?;
        assert_eq!(tree::call(&markup, &Limits::DEFAULT).unwrap(), direct, "{value}");
        direct.params.into_iter().next()
    }

    #[test]
    fn plain_values_need_no_tree() {
        for value in [
            "<value/>",
            "<value></value>",
            "<value> a b </value>",
            "<value> \n </value>",
            "<value>\n<string> a </string>\n</value>",
            "<value><string/></value>",
            "<value><string></string></value>",
            "<value><string>&lt;&amp;&gt;&quot;&apos; ]] > \u{fffd}\u{e9}</string></value>",
            "<value><int> +5 </int></value>",
            "<value><i4>-5</i4></value>",
            "<value><i8>5000000000</i8></value>",
            "<value><i1>1</i1></value>",
            "<value><i2>2</i2></value>",
            "<value><boolean>1</boolean></value>",
            "<value><double>-1.5e3</double></value>",
            "<value><dateTime.iso8601>20261122T10:14:03</dateTime.iso8601></value>",
            "<value><base64>AAE=\n</base64></value>",
            "<value><nil/></value>",
            "<value><array/></value>",
            "<value><array><data/></array></value>",
            "<value><array>\n<data>\n<value>a</value>\n<value/>\n</data>\n</array></value>",
            "<value><struct/></value>",
            "<value><struct>\n</struct></value>",
            "<value><struct><member>\n<name>a&amp;b</name>\n<value>c</value>\n</member></struct></value>",
        ] {
            assert!(read(value).is_some(), "{value}");
        }
    }

    #[test]
    fn what_is_not_plain_or_wrong_is_left_to_the_tree() {
        for value in [
            "<value a='b'>c</value>",
            "<value><!-- c -->a</value>",
            "<value><![CDATA[a]]></value>",
            "<value>a<?p?></value>",
            "<value>&#65;</value>",
            "<value>&unknown;</value>",
            "<value>]]></value>",
            "<value>\u{1}</value>",
            "<value>\u{ffff}</value>",
            "<value><ex:nil/></value>",
            "<value><nil></nil></value>",
            "<value><int>5</i4></value>",
            "<value><int>5.0</int></value>",
            "<value><int>&#53;</int></value>",
            "<value>a<int>5</int></value>",
            "<value><int>5</int>a</value>",
            "<value><int>5</int><int>5</int></value>",
            "<value><unknown>5</unknown></value>",
            "<value><struct><member><value/><name>a</name></member></struct></value>",
            "<value><struct><member><name>a</name></member></struct></value>",
            "<value ></value>",
            "<value>",
            "",
        ] {
            assert_eq!(read(value), None, "{value}");
        }
    }

    #[test]
    fn limits_are_those_of_the_tree() {
        let nested = |levels: usize| {
            let (open, close) = ("<value><array><data>", "</data></array></value>");
            open.repeat(levels) + &close.repeat(levels)
        };
        assert!(read(&nested(128)).is_some());
        assert_eq!(read(&nested(129)), None);

        let markup = "<methodCall><methodName>m</methodName><params/></methodCall>";
        let within = |limits: Limits| call(markup, &limits).is_some();
        assert!(within(Limits { elements: 3, ..Limits::DEFAULT }));
        assert!(!within(Limits { elements: 2, ..Limits::DEFAULT }));
        assert!(!within(Limits { name_bytes: 15, ..Limits::DEFAULT }));
    }
}
