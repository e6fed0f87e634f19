//! A plain `value` element and what stands in it.

use super::reader::Reader;
use crate::xmlrpc::datetime::DateTime;
use crate::xmlrpc::scalar::{IntKind, parse_base64, parse_boolean, parse_double, parse_int};
use crate::xmlrpc::value::{Array, Struct, Value};

/// Reads a `value` element, with `depth` levels of values to go.
pub(super) fn value(reader: &mut Reader, depth: usize) -> Option<Value> {
    let inner_depth = depth.checked_sub(1)?;
    reader.open("<value")?;
    if reader.take("/>").is_some() {
        return Some(Value::String(String::new()));
    }
    reader.take(">")?;
    let value = match reader.is_at_start_tag() {
        true => typed(reader, inner_depth)?,
        false => string(reader)?,
    };
    reader.close("</value>")?;
    Some(value)
}

fn typed(reader: &mut Reader, depth: usize) -> Option<Value> {
    let tag = reader.tag()?;
    let value = match tag {
        "string>" => string(reader)?,
        "int>" | "i4>" => integer(reader, IntKind::I4)?,
        "struct>" => return structure(reader, depth),
        "array>" => return array(reader, depth),
        "double>" => Value::Double(parse_double(reader.raw()).ok()?),
        "boolean>" => Value::Boolean(parse_boolean(reader.raw()).ok()?),
        "dateTime.iso8601>" => Value::DateTime(DateTime::parse(reader.raw()).ok()?),
        "base64>" => Value::Base64(parse_base64(reader.raw()).ok()?),
        "i8>" => integer(reader, IntKind::I8)?,
        "i1>" => integer(reader, IntKind::I1)?,
        "i2>" => integer(reader, IntKind::I2)?,
        "nil/>" => return Some(Value::Nil),
        "array/>" => return Some(Value::Array(Array::default())),
        "struct/>" => return Some(Value::Struct(Struct::default())),
        "string/>" => return Some(Value::String(String::new())),
        _ => return None,
    };
    reader.take("</")?;
    reader.take(tag)?;
    Some(value)
}

fn integer(reader: &mut Reader, kind: IntKind) -> Option<Value> {
    parse_int(kind, reader.raw()).ok().map(Value::Int)
}

fn string(reader: &mut Reader) -> Option<Value> {
    Some(Value::String(reader.text()?.into_owned()))
}

fn array(reader: &mut Reader, depth: usize) -> Option<Value> {
    let mut values = Vec::new();
    if !reader.is_opened("<data/>") {
        reader.open("<data>")?;
        while !reader.is_closed("</data>") {
            values.push(value(reader, depth)?);
        }
    }
    reader.close("</array>")?;
    Array::try_from(values).ok().map(Value::Array)
}

fn structure(reader: &mut Reader, depth: usize) -> Option<Value> {
    let mut members = Vec::new();
    while !reader.is_closed("</struct>") {
        reader.open("<member>")?;
        reader.open("<name>")?;
        let name = reader.text()?.into_owned();
        reader.take("</name>")?;
        members.push((name, value(reader, depth)?));
        reader.close("</member>")?;
    }
    Struct::from_members(members).ok().map(Value::Struct)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmlrpc::decode::{plain, tree};
    use crate::xmlrpc::limits::Limits;
    use crate::xmlrpc::message::MethodResponse;

    /// What is read here, in a call and in a response, which is what the tree reads.
    #[track_caller]
    fn read(value: &str) -> Option<Value> {
        let params = format!("\n<params> <param>{value}</param></params>");
        let call = format!("\n<methodCall> <methodName> m </methodName>{params}</methodCall> ");
        let response = format!("<methodResponse>{params}</methodResponse>");
        let read = plain::response(&response, &Limits::DEFAULT);
        let Some(call_read) = plain::call(&call, &Limits::DEFAULT) else {
            assert_eq!(read, None, "{value}");
            return None;
        };
        assert_eq!(tree::call(&call, &Limits::DEFAULT).unwrap(), call_read, "{value}");
        let read = read.unwrap();
        assert_eq!(tree::response(&response, &Limits::DEFAULT).unwrap(), read, "{value}");
        let result = call_read.params.into_iter().next().unwrap();
        assert_eq!(read, MethodResponse::Success(result.clone()), "{value}");
        Some(result)
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
    fn depth_is_that_of_the_tree() {
        let nested = |levels: usize| {
            let (open, close) = ("<value><array><data>", "</data></array></value>");
            open.repeat(levels) + &close.repeat(levels)
        };
        assert!(read(&nested(128)).is_some());
        assert_eq!(read(&nested(129)), None);
    }
}
