//! Plain documents to messages, in one pass and without a tree. Plain is what nearly everybody
//! sends: elements of XML-RPC and text, in the specification's order, with no comment, CDATA
//! section, processing instruction, attribute, prefix or DOCTYPE.
//!
//! What is not plain, is over a limit, or is wrong is not judged here: it gives `None`, and the tree
//! is asked. So these files say only what a document means where it is certain.

mod reader;
mod value;

use self::reader::{LONGEST_NAME, Reader};
use self::value::value;
use crate::xmlrpc::chars::trim;
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::limits::Limits;
use crate::xmlrpc::message::{MethodCall, MethodResponse};
use crate::xmlrpc::value::Value;

/// Reads a call from `markup`, which begins after the XML declaration, if it is plain.
pub(super) fn call(markup: &str, limits: &Limits) -> Option<MethodCall> {
    whole(markup, limits, method_call)
}

/// Reads a response from `markup`, which begins after the XML declaration, if it is plain.
pub(super) fn response(markup: &str, limits: &Limits) -> Option<MethodResponse> {
    whole(markup, limits, method_response)
}

fn whole<T>(markup: &str, limits: &Limits, read: fn(&mut Reader, usize) -> Option<T>) -> Option<T> {
    if limits.name_bytes < LONGEST_NAME.len() {
        return None;
    }
    let mut reader = Reader::new(markup);
    let message = read(&mut reader, limits.value_depth())?;
    (reader.is_at_end() && reader.elements() <= limits.elements).then_some(message)
}

fn method_call(reader: &mut Reader, depth: usize) -> Option<MethodCall> {
    reader.open("<methodCall>")?;
    reader.open("<methodName>")?;
    let name = trim(&reader.text()?).to_owned();
    reader.take("</methodName>")?;
    let has_params = !reader.is_before("</methodCall>");
    let params = if has_params { params(reader, depth)? } else { Vec::new() };
    reader.close("</methodCall>")?;
    (!name.is_empty()).then(|| MethodCall::new(name, params))
}

fn params(reader: &mut Reader, depth: usize) -> Option<Vec<Value>> {
    let mut params = Vec::new();
    if reader.is_opened("<params/>") {
        return Some(params);
    }
    reader.open("<params>")?;
    while !reader.is_closed("</params>") {
        params.push(param(reader, depth)?);
    }
    Some(params)
}

fn param(reader: &mut Reader, depth: usize) -> Option<Value> {
    reader.open("<param>")?;
    let value = value(reader, depth)?;
    reader.close("</param>")?;
    Some(value)
}

fn method_response(reader: &mut Reader, depth: usize) -> Option<MethodResponse> {
    reader.open("<methodResponse>")?;
    let response = match reader.is_opened("<params>") {
        true => MethodResponse::Success(result(reader, depth)?),
        false => MethodResponse::Fault(fault(reader, depth)?),
    };
    reader.close("</methodResponse>")?;
    Some(response)
}

/// The one parameter in `params`.
fn result(reader: &mut Reader, depth: usize) -> Option<Value> {
    let result = param(reader, depth)?;
    reader.close("</params>")?;
    Some(result)
}

fn fault(reader: &mut Reader, depth: usize) -> Option<Fault> {
    reader.open("<fault>")?;
    let value = value(reader, depth)?;
    reader.close("</fault>")?;
    Fault::from_struct(value.as_struct()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::xmlrpc::decode::tree;

    #[track_caller]
    fn read_response(content: &str) -> Option<MethodResponse> {
        let markup = format!("\n<methodResponse> {content}\n</methodResponse> ");
        let direct = response(&markup, &Limits::DEFAULT)?;
        assert_eq!(tree::response(&markup, &Limits::DEFAULT).unwrap(), direct, "{content}");
        Some(direct)
    }

    fn fault_of(code: &str, text: &str) -> String {
        let member = |name, value| format!("<member><name>{name}</name>{value}</member>\n");
        let members = member("faultString", text) + &member("faultCode", code);
        format!("<fault>\n<value> <struct>{members}</struct> </value>\n</fault>")
    }

    #[test]
    fn plain_results_and_faults_need_no_tree() {
        for (content, expected) in [
            ("<params>\n<param> <value/>\n</param> </params>", MethodResponse::Success("".into())),
            (
                &fault_of("<value><int>4</int></value>", "<value>no</value>"),
                MethodResponse::Fault(Fault::new(4, "no")),
            ),
            (
                &fault_of("<value> 4 </value>", "<value><string/></value>"),
                MethodResponse::Fault(Fault::new(4, "")),
            ),
        ] {
            assert_eq!(read_response(content), Some(expected), "{content}");
        }
    }

    #[test]
    fn responses_that_are_not_plain_or_wrong_are_left_to_the_tree() {
        let param = "<param><value/></param>";
        let params = format!("<params>{param}</params>");
        for content in [
            "",
            "<params/>",
            "<params></params>",
            "<params><param/></params>",
            "<params><param></param></params>",
            "<fault/>",
            "<fault></fault>",
            "<fault><value/></fault>",
            "<fault><value><struct/></value></fault>",
            &format!("<params>{param}{param}</params>"),
            &format!("<params>{param}"),
            &format!("{params}{params}"),
            &format!("{params}<!-- -->"),
            &format!("<params a='b'>{param}</params>"),
            &format!("{params}<fault/>"),
            &fault_of("<value>four</value>", "<value/>"),
            &fault_of("<value><double>4</double></value>", "<value/>"),
            &fault_of("<value><i8>5000000000</i8></value>", "<value/>"),
            &fault_of("<value>5000000000</value>", "<value/>"),
            &fault_of("<value>4</value>", "<value><nil/></value>"),
        ] {
            assert_eq!(read_response(content), None, "{content}");
        }
    }

    #[test]
    fn what_is_no_whole_message_of_its_kind_is_left_to_the_tree() {
        let is_read = |markup: &str| {
            let is_call = call(markup, &Limits::DEFAULT).is_some();
            (is_call, response(markup, &Limits::DEFAULT).is_some())
        };
        let a_call = "<methodCall><methodName>m</methodName></methodCall>";
        let a_response =
            "<methodResponse><params><param><value/></param></params></methodResponse>";
        assert_eq!(is_read(a_call), (true, false));
        assert_eq!(is_read(a_response), (false, true));
        for document in [a_call, a_response] {
            for end in ["<", "a", "<!-- -->", "<?p?>", document] {
                assert_eq!(is_read(&format!("{document}{end}")), (false, false), "{end}");
            }
            for markup in [&document[..document.len() - 1], &format!("<!-- -->{document}"), ""] {
                assert_eq!(is_read(markup), (false, false), "{markup}");
            }
        }
        assert_eq!(is_read(&a_call.replace(">m<", "> <")), (false, false));
    }

    #[test]
    fn limits_are_those_of_the_tree() {
        let markup = "<methodCall><methodName>m</methodName><params/></methodCall>";
        let within = |limits: Limits| call(markup, &limits).is_some();
        assert!(within(Limits { elements: 3, ..Limits::DEFAULT }));
        assert!(!within(Limits { elements: 2, ..Limits::DEFAULT }));
        assert!(!within(Limits { name_bytes: 15, ..Limits::DEFAULT }));

        let markup = "<methodResponse><params><param><value/></param></params></methodResponse>";
        let within = |limits: Limits| response(markup, &limits).is_some();
        assert!(within(Limits { elements: 4, depth: 1, ..Limits::DEFAULT }));
        assert!(!within(Limits { elements: 3, ..Limits::DEFAULT }));
        assert!(!within(Limits { depth: 0, ..Limits::DEFAULT }));
        assert!(!within(Limits { name_bytes: 15, ..Limits::DEFAULT }));
    }
}
