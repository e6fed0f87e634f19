//! What an XML-RPC server says of its own methods.

use std::collections::HashSet;

use protocol::xmlrpc::{Fault, Value, code};

use super::together::MULTICALL;
use super::trail::Trail;
use super::trouble::nonsense;
use super::xml::XmlUpstream;

/// Most names of a server that are looked at.
pub const MAX_NAMES: usize = 10_000;

/// Longest help of a method that is taken from a server, in bytes.
pub const MAX_HELP_BYTES: usize = 4_096;

/// Most signatures of a method that are taken from a server.
const MAX_SIGNATURES: usize = 8;

/// Most types of a signature that are taken from a server, the result's among them.
const MAX_TYPES: usize = 16;

/// Longest name of a type that is taken from a server, in bytes.
const MAX_TYPE_BYTES: usize = 32;

/// Methods that a server is asked about at once, where it takes several calls as one.
const BATCH: usize = 100;

/// The methods that a server has.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    /// Their names over there: those that are wanted.
    pub names: Vec<String>,
    /// Whether it takes several calls as one, and answers in the form that tells them apart.
    pub has_multicall: bool,
}

/// What a server says of a method.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// What it does, in words.
    pub help: String,
    /// The names of types, the result's first.
    pub signatures: Vec<Vec<String>>,
}

/// Asks for the names of the methods, looks at the first [`MAX_NAMES`] of them, and takes those
/// that `is_wanted`.
pub async fn list(
    upstream: &XmlUpstream,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<Listed, Fault> {
    let answer = upstream.call("system.listMethods", Vec::new(), &Trail::default()).await?;
    let mut listed = Listed::default();
    let mut known = HashSet::new();
    let Value::Array(names) = answer else { return Err(nonsense()) };
    for name in names.iter().take(MAX_NAMES).filter_map(Value::as_str) {
        listed.has_multicall |= name == MULTICALL;
        if is_wanted(name) && known.insert(name) {
            listed.names.push(name.to_owned());
        }
    }
    if listed.has_multicall {
        listed.has_multicall = wraps_results(upstream).await?;
    }
    Ok(listed)
}

/// Whether each result of a multicall stands in an array of its own. Supervisor's do not, and what
/// is such an array then and what is a result cannot be told. A list of names can: it has no arrays.
async fn wraps_results(upstream: &XmlUpstream) -> Result<bool, Fault> {
    let calls = vec![("system.listMethods".to_owned(), Vec::new())];
    let results = upstream.call_together(calls, &Trail::default()).await;
    match results.into_iter().next() {
        Some(Ok(Value::Array(_))) => Ok(true),
        Some(Err(fault)) if fault.code == code::SYSTEM_ERROR => Err(fault),
        _ => Ok(false),
    }
}

/// Asks what methods do and take: a description for each of `names`, `None` where the server did not
/// answer.
pub async fn describe(
    upstream: &XmlUpstream,
    names: &[String],
    has_multicall: bool,
) -> Vec<Option<Description>> {
    let mut descriptions = Vec::with_capacity(names.len());
    for names in names.chunks(BATCH) {
        let helps = ask(upstream, "system.methodHelp", names, has_multicall).await;
        let signatures = ask(upstream, "system.methodSignature", names, has_multicall).await;
        let described = helps.into_iter().zip(signatures).map(|(help, signatures)| {
            Some(Description { help: help_in(help?), signatures: signatures_in(signatures?) })
        });
        descriptions.extend(described);
    }
    descriptions
}

/// The answers to a question about each of `names`: nil for a fault, `None` where it is down.
async fn ask(
    upstream: &XmlUpstream,
    method: &str,
    names: &[String],
    has_multicall: bool,
) -> Vec<Option<Value>> {
    let trail = Trail::default();
    let calls = names.iter().map(|name| (method.to_owned(), vec![name.as_str().into()]));
    if has_multicall {
        let results = upstream.call_together(calls.collect(), &trail).await;
        return results.into_iter().map(answered).collect();
    }
    let mut answers = Vec::with_capacity(names.len());
    for (method, params) in calls {
        answers.push(answered(upstream.call(&method, params, &trail).await));
    }
    answers
}

fn answered(result: Result<Value, Fault>) -> Option<Value> {
    match result {
        Ok(value) => Some(value),
        Err(fault) if fault.code == code::SYSTEM_ERROR => None,
        Err(_) => Some(Value::Nil),
    }
}

fn help_in(answer: Value) -> String {
    let Value::String(help) = answer else { return String::new() };
    let end = (0..=MAX_HELP_BYTES.min(help.len())).rev().find(|end| help.is_char_boundary(*end));
    // A text of its own: one that is cut keeps the room of all that was said.
    help[..end.unwrap_or(0)].to_owned()
}

/// The signatures in an answer, which may also be a text that there are none.
fn signatures_in(answer: Value) -> Vec<Vec<String>> {
    let Value::Array(signatures) = answer else { return Vec::new() };
    signatures.iter().take(MAX_SIGNATURES).filter_map(signature_in).collect()
}

fn signature_in(signature: &Value) -> Option<Vec<String>> {
    let types = signature.as_array().filter(|types| (1..=MAX_TYPES).contains(&types.len()))?;
    types.iter().map(|name| name.as_str().filter(|name| is_type(name)).map(str::to_owned)).collect()
}

fn is_type(name: &str) -> bool {
    let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:-".contains(&byte);
    (1..=MAX_TYPE_BYTES).contains(&name.len()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::xmlrpc::Array;

    fn array(values: impl IntoIterator<Item = Value>) -> Value {
        Value::Array(Array::try_from(values.into_iter().collect::<Vec<_>>()).unwrap())
    }

    #[test]
    fn help_is_cut_between_characters() {
        assert_eq!(help_in("Adds.".into()), "Adds.");
        assert_eq!(help_in(1.into()), "");
        assert_eq!(help_in("x".repeat(4_096).into()).len(), 4_096);
        assert_eq!(help_in("é".repeat(3_000).into()), "é".repeat(2_048));
        assert_eq!(help_in(("x".to_owned() + &"é".repeat(3_000)).into()).len(), 4_095);
    }

    #[test]
    fn signatures_are_lists_of_types() {
        let types = |types: &[&str]| array(types.iter().map(|name| Value::from(*name)));
        let answer = array([types(&["int", "string"]), types(&["int"])]);
        assert_eq!(signatures_in(answer), [vec!["int", "string"], vec!["int"]]);
        for junk in [
            Value::from("signatures not supported"),
            "undef".into(),
            array([]),
            array(["int".into()]),
            array([types(&[])]),
            array([types(&["a b"]), types(&["<int>"]), types(&[""])]),
            array([array([1.into()])]),
            array([types(&[&"x".repeat(33)])]),
            array([types(&["int"; 17])]),
        ] {
            assert_eq!(signatures_in(junk.clone()), Vec::<Vec<String>>::new(), "{junk:?}");
        }
        let many = array((0..40).map(|_| types(&["int"])));
        assert_eq!(signatures_in(many).len(), 8);
    }

    #[test]
    fn help_that_is_cut_keeps_no_room_for_the_rest() {
        let help = help_in("\u{e9}".repeat(1_000_000).into());
        assert_eq!((help.len(), help.capacity()), (MAX_HELP_BYTES, MAX_HELP_BYTES));
        assert_eq!(
            help_in(format!("a{}", "\u{e9}".repeat(5_000)).into()).len(),
            MAX_HELP_BYTES - 1
        );
        assert_eq!(help_in("short".into()), "short");
        assert_eq!(help_in(Value::Nil), "");
    }
}
