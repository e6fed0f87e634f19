//! Any document to a message, over a tree. The only file that knows roxmltree.

use std::borrow::Cow;

use roxmltree::{Document, Error, Node, ParsingOptions};

use crate::xmlrpc::chars::{is_all_blank, trim};
use crate::xmlrpc::datetime::DateTime;
use crate::xmlrpc::dialect::{DECLARE_EXTENSIONS, Dialect, EXTENSIONS};
use crate::xmlrpc::error::{DecodeErrorKind, Refusal};
use crate::xmlrpc::excerpt::excerpt;
use crate::xmlrpc::fault::Fault;
use crate::xmlrpc::guard::{self, Survey};
use crate::xmlrpc::limits::Limits;
use crate::xmlrpc::message::{MethodCall, MethodResponse};
use crate::xmlrpc::scalar::{IntKind, parse_base64, parse_boolean, parse_double, parse_int};
use crate::xmlrpc::value::{Array, Struct, TooDeep, Value};

/// Reads a call from `markup`, which begins after the XML declaration.
pub(super) fn call(markup: &str, limits: &Limits) -> Result<MethodCall, Refusal> {
    let survey = guard::survey(markup, limits)?;
    let mut call = declared(markup, &survey, limits, method_call)?;
    if survey.undeclared_extension.is_some() {
        // It was declared here, not by the peer.
        call.dialect = Dialect::Standard;
    }
    Ok(call)
}

/// Reads a response from `markup`, which begins after the XML declaration.
pub(super) fn response(markup: &str, limits: &Limits) -> Result<MethodResponse, Refusal> {
    let survey = guard::survey(markup, limits)?;
    declared(markup, &survey, limits, method_response)
}

/// Reads `markup` with the prefix `ex` declared, if it uses it.
fn declared<T>(
    markup: &str,
    survey: &Survey,
    limits: &Limits,
    read: fn(Node, usize) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    let Some(root_name_end) = survey.undeclared_extension else {
        return decode_tree(markup, limits, read);
    };
    let (before, after) = markup.split_at(root_name_end);
    let declared = [before, DECLARE_EXTENSIONS, after].concat();
    decode_tree(&declared, limits, read)
        .map_err(|refusal| refusal.map_offset(|offset| undeclared(offset, root_name_end)))
}

/// The offset in the peer's own text, without the declaration put in at `root_name_end`.
fn undeclared(offset: usize, root_name_end: usize) -> usize {
    match offset > root_name_end {
        true => offset.saturating_sub(DECLARE_EXTENSIONS.len()).max(root_name_end),
        false => offset,
    }
}

fn decode_tree<T>(
    markup: &str,
    limits: &Limits,
    read: fn(Node, usize) -> Result<T, Refusal>,
) -> Result<T, Refusal> {
    // The guard lets no DOCTYPE through that declares anything.
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let tree = Document::parse_with_options(markup, options)
        .map_err(|error| not_well_formed(&error, markup))?;
    read(tree.root_element(), limits.value_depth())
}

fn method_call(root: Node, depth: usize) -> Result<MethodCall, Refusal> {
    expect(root, "methodCall", "the root is not a methodCall")?;
    let (mut name, mut params) = (None, None);
    for child in elements(root) {
        let child = child?;
        match unprefixed(child) {
            Some("methodName") => once(&mut name, text(child)?, child)?,
            Some("params") => once(&mut params, self::params(child, depth)?, child)?,
            _ => return Err(unexpected(child)),
        }
    }
    let name = name.ok_or_else(|| refused(root, "a methodCall without methodName"))?;
    let name = trim(&name);
    if name.is_empty() {
        return Err(refused(root, "an empty methodName"));
    }
    let params = params.unwrap_or_default();
    Ok(MethodCall { name: name.to_owned(), params, dialect: dialect(root) })
}

/// What the root declares under `ex`; another prefix is no promise to read that one.
fn dialect(root: Node) -> Dialect {
    let mut namespaces = root.namespaces();
    match namespaces.any(|own| own.name() == Some("ex") && own.uri() == EXTENSIONS) {
        true => Dialect::Apache,
        false => Dialect::Standard,
    }
}

fn method_response(root: Node, depth: usize) -> Result<MethodResponse, Refusal> {
    expect(root, "methodResponse", "the root is not a methodResponse")?;
    let content = only_element(root, "a methodResponse has one of params and fault")?;
    match unprefixed(content) {
        Some("params") => {
            let mut params = params(content, depth)?;
            match (params.pop(), params.is_empty()) {
                (Some(result), true) => Ok(MethodResponse::Success(result)),
                _ => Err(refused(content, "a methodResponse has one param")),
            }
        }
        Some("fault") => Ok(MethodResponse::Fault(fault(content, depth)?)),
        _ => Err(unexpected(content)),
    }
}

fn fault(node: Node, depth: usize) -> Result<Fault, Refusal> {
    let value = value(only_value(node)?, depth)?;
    let fault = value.as_struct().and_then(Fault::from_struct);
    fault.ok_or_else(|| refused(node, "a fault is a struct of faultCode and faultString"))
}

fn params(node: Node, depth: usize) -> Result<Vec<Value>, Refusal> {
    elements(node)
        .map(|param| {
            let param = param?;
            expect(param, "param", "params holds only param")?;
            value(only_value(param)?, depth)
        })
        .collect()
}

/// Reads a `value` element, with `depth` levels of values to go. Recurses once a level, by loops
/// rather than closures, whose frames would be many in a debug build.
fn value(node: Node, depth: usize) -> Result<Value, Refusal> {
    let Some(inner_depth) = depth.checked_sub(1) else {
        return Err(too_deep(node));
    };
    let Some(typed) = typed_child(node)? else {
        return string(node);
    };
    match name(typed) {
        Some("array") => array(typed, inner_depth),
        Some("struct") => structure(typed, inner_depth),
        name => scalar(name, typed),
    }
}

/// The one element in a `value`, if it is not bare text.
fn typed_child<'a, 'i>(node: Node<'a, 'i>) -> Result<Option<Node<'a, 'i>>, Refusal> {
    let mut typed = None;
    for child in node.children().filter(Node::is_element) {
        once(&mut typed, child, child)?;
    }
    if typed.is_some() {
        elements(node).try_for_each(|child| child.map(|_| ()))?;
    }
    Ok(typed)
}

/// The name of an element of XML-RPC or of its extensions, by whatever prefix.
fn name<'i>(node: Node<'_, 'i>) -> Option<&'i str> {
    if is_extension(node) { Some(node.tag_name().name()) } else { unprefixed(node) }
}

fn is_extension(node: Node) -> bool {
    node.tag_name().namespace() == Some(EXTENSIONS)
}

fn scalar(name: Option<&str>, node: Node) -> Result<Value, Refusal> {
    let of = |reason| refused(node, reason);
    let integer = |kind| parse_int(kind, &text(node)?).map(Value::Int).map_err(of);
    match name {
        Some("string") => string(node),
        Some("i1") => integer(IntKind::I1),
        Some("i2") => integer(IntKind::I2),
        Some("int" | "i4") => integer(IntKind::I4),
        Some("i8") => integer(IntKind::I8),
        Some("double" | "float") => parse_double(&text(node)?).map(Value::Double).map_err(of),
        Some("boolean") => parse_boolean(&text(node)?).map(Value::Boolean).map_err(of),
        Some("base64") => parse_base64(&text(node)?).map(Value::Base64).map_err(of),
        Some("dateTime.iso8601") => datetime(node),
        // Apache's client leaves the rest of the name away, in its own namespace alone.
        Some("dateTime") if is_extension(node) => datetime(node),
        Some("nil") if is_all_blank(&text(node)?) => Ok(Value::Nil),
        Some("nil") => Err(of("a nil that is not empty")),
        _ => Err(misplaced(node, "an unknown type")),
    }
}

fn datetime(node: Node) -> Result<Value, Refusal> {
    let datetime = DateTime::parse(&text(node)?);
    datetime.map(Value::DateTime).map_err(|_| refused(node, "not a date and time"))
}

fn string(node: Node) -> Result<Value, Refusal> {
    Ok(Value::String(text(node)?.into_owned()))
}

fn array(node: Node, depth: usize) -> Result<Value, Refusal> {
    let mut data = None;
    for child in elements(node) {
        let child = child?;
        expect(child, "data", "array holds only data")?;
        once(&mut data, child, child)?;
    }
    let mut values = Vec::new();
    for child in data.into_iter().flat_map(elements) {
        let child = child?;
        expect(child, "value", "data holds only values")?;
        values.push(value(child, depth)?);
    }
    let array = Array::try_from(values).map_err(|TooDeep| too_deep(node))?;
    Ok(Value::Array(array))
}

fn structure(node: Node, depth: usize) -> Result<Value, Refusal> {
    let mut members = Vec::new();
    for child in elements(node) {
        let child = child?;
        expect(child, "member", "struct holds only members")?;
        let (name, content) = member(child)?;
        members.push((name, value(content, depth)?));
    }
    let structure = Struct::from_members(members).map_err(|TooDeep| too_deep(node))?;
    Ok(Value::Struct(structure))
}

/// The name and the `value` element.
fn member<'a, 'i>(node: Node<'a, 'i>) -> Result<(String, Node<'a, 'i>), Refusal> {
    let (mut name, mut value) = (None, None);
    for child in elements(node) {
        let child = child?;
        match unprefixed(child) {
            Some("name") => once(&mut name, text(child)?.into_owned(), child)?,
            Some("value") => once(&mut value, child, child)?,
            _ => return Err(unexpected(child)),
        }
    }
    match (name, value) {
        (Some(name), Some(value)) => Ok((name, value)),
        (None, _) => Err(refused(node, "a member without name")),
        (_, None) => Err(refused(node, "a member without value")),
    }
}

/// The one `value` in a `param` or `fault`.
fn only_value<'a, 'i>(node: Node<'a, 'i>) -> Result<Node<'a, 'i>, Refusal> {
    let value = only_element(node, "a param or fault has one value")?;
    expect(value, "value", "a param or fault has one value")?;
    Ok(value)
}

fn only_element<'a, 'i>(node: Node<'a, 'i>, rule: &'static str) -> Result<Node<'a, 'i>, Refusal> {
    let mut only = None;
    for child in elements(node) {
        let child = child?;
        if only.replace(child).is_some() {
            return Err(misplaced(child, rule));
        }
    }
    only.ok_or_else(|| refused(node, rule))
}

/// The child elements; text between them must be blank.
fn elements<'a, 'i>(node: Node<'a, 'i>) -> impl Iterator<Item = Result<Node<'a, 'i>, Refusal>> {
    node.children().filter_map(|child| {
        if child.is_element() {
            return Some(Ok(child));
        }
        let is_layout = !child.is_text() || child.text().is_none_or(is_all_blank);
        (!is_layout).then(|| Err(refused(child, "text where only elements belong")))
    })
}

/// The text of an element without child elements. Comments and processing instructions split it
/// into several nodes.
fn text<'a>(node: Node<'a, '_>) -> Result<Cow<'a, str>, Refusal> {
    let mut joined = Cow::Borrowed("");
    for child in node.children() {
        if child.is_element() {
            return Err(unexpected(child));
        }
        if child.is_text() {
            joined += child.text().unwrap_or_default();
        }
    }
    Ok(joined)
}

/// The element's name where it was written without a prefix, whatever the default namespace.
fn unprefixed<'i>(node: Node<'_, 'i>) -> Option<&'i str> {
    let name = node.tag_name().name();
    if node.tag_name().namespace().is_none() {
        return Some(name);
    }
    (written_name(node) == name).then_some(name)
}

fn expect(node: Node, name: &str, rule: &'static str) -> Result<(), Refusal> {
    match unprefixed(node) {
        Some(own) if own == name => Ok(()),
        _ => Err(misplaced(node, rule)),
    }
}

fn once<T>(slot: &mut Option<T>, found: T, node: Node) -> Result<(), Refusal> {
    match slot.replace(found) {
        None => Ok(()),
        Some(_) => Err(misplaced(node, "an element that may stand here only once")),
    }
}

fn unexpected(node: Node) -> Refusal {
    misplaced(node, "an element that does not belong here")
}

/// Says which element was found against the rule.
fn misplaced(node: Node, rule: &str) -> Refusal {
    let name = excerpt(written_name(node));
    Refusal::not_xml_rpc(format!("{rule}: <{name}>"), node.range().start)
}

/// The element's name as it stands in the document, with its prefix.
fn written_name<'i>(node: Node<'_, 'i>) -> &'i str {
    let written = &node.document().input_text()[node.range().start + 1..];
    let length = written.find(|c: char| c.is_ascii_whitespace() || c == '>' || c == '/');
    &written[..length.unwrap_or(written.len())]
}

fn refused(node: Node, reason: &'static str) -> Refusal {
    Refusal::not_xml_rpc(reason, node.range().start)
}

fn too_deep(node: Node) -> Refusal {
    Refusal::new(DecodeErrorKind::OverLimit, "too many levels of values").at(node.range().start)
}

/// The tree builder's complaint in our words, since its own quote the document.
fn not_well_formed(error: &Error, markup: &str) -> Refusal {
    let reason = match error {
        Error::NoRootNode => "no element at all",
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => "the document ends too early",
        Error::UnexpectedCloseTag(..) => "an end tag that closes another element",
        Error::UnknownNamespace(..) => "a prefix that is not declared",
        Error::UnknownEntityReference(..) => "an entity that is not declared",
        Error::MalformedEntityReference(_) => "a malformed reference",
        Error::DuplicatedAttribute(..) | Error::DuplicatedNamespace(..) => {
            "an attribute given twice"
        }
        Error::NonXmlChar(..) => "a character that XML does not allow",
        Error::InvalidCharacterData(_) => "the end of a CDATA section in plain text",
        Error::InvalidComment(_) => "two hyphens in a comment",
        _ => "not XML",
    };
    let refusal = Refusal::new(DecodeErrorKind::NotWellFormed, reason);
    match error {
        Error::NoRootNode | Error::UnclosedRootNode | Error::UnexpectedEndOfStream => {
            refusal.at(markup.len())
        }
        _ => refusal.at(offset(markup, error.pos().row, error.pos().col)),
    }
}

/// The byte offset of a line and character, both counted from 1.
fn offset(text: &str, row: u32, column: u32) -> usize {
    let skipped = (row as usize).saturating_sub(1);
    let line: usize = text.split_inclusive('\n').take(skipped).map(str::len).sum();
    let characters = text[line..].chars().take((column as usize).saturating_sub(1));
    line + characters.map(char::len_utf8).sum::<usize>()
}
