//! `rpc.discover`: what is published here, as OpenRPC says it. It is called by the doors of JSON
//! alone, by everybody, and not listed.

use std::sync::{Arc, Weak};
use std::time::Duration;

use protocol::xmlrpc::{Array, Fault, Struct, TooDeep, TypeName, Value};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::caller::Caller;
use super::description::{Description, Form, FormParameter};
use super::method::{Method, Overload};
use super::program::Program;
use super::published::{DISCOVER, Published};
use super::system::there;

/// The version of OpenRPC that the document keeps to.
const VERSION: &str = "1.3.2";

/// Documents that are made at once, and longest wait for those of others: of thousands of methods one
/// takes megabytes, and a thread for a while.
const MAX_WRITING: (usize, Duration) = (1, Duration::from_secs(2));

/// The method, which speaks of `published`: what it will be in.
pub(super) fn method(published: &Weak<Published>, program: &Program) -> Method {
    let (published, program) = (published.clone(), program.clone());
    let turns = Arc::new(Semaphore::new(MAX_WRITING.0));
    let function = move |caller: Caller| {
        let (published, program, turns) = (published.clone(), program.clone(), turns.clone());
        async move {
            let turn = timeout(MAX_WRITING.1, turns.acquire_owned()).await;
            let turn = turn.ok().and_then(Result::ok).ok_or_else(busy)?;
            let written = tokio::task::spawn_blocking(move || {
                let _turn = turn;
                let methods = there(&published)?.descriptions(&caller);
                document(&program, &methods).map_err(|TooDeep| Fault::internal())
            });
            written.await.unwrap_or_else(|_| Err(Fault::internal()))
        }
    };
    Method::new(DISCOVER, "Describes all methods, as OpenRPC does.", Overload::of(function))
}

fn busy() -> Fault {
    Fault::system("too many ask what there is")
}

fn document(program: &Program, methods: &[Description]) -> Result<Struct, TooDeep> {
    let info = [("title", (*program.name).into()), ("version", (*program.version).into())];
    object([
        ("openrpc", VERSION.into()),
        ("info", object(info)?.into()),
        ("methods", list(methods.iter().map(described))?),
    ])
}

fn described(method: &Description) -> Result<Value, TooDeep> {
    let forms = &method.forms[..];
    let longest = forms.iter().map(|form| form.params.len()).max().unwrap_or(0);
    // What stands before one that there must be is not left out by position.
    let required =
        (0..longest).rev().find(|index| forms.iter().all(|form| is_required(form, *index)));
    let required = required.map_or(0, |index| index + 1);
    let params = (0..longest).map(|index| param(forms, index, index < required));
    let returns = forms.iter().map(|form| form.returns.as_str());
    let members = [
        ("name", method.name.as_str().into()),
        ("description", method.help.as_str().into()),
        ("params", list(params)?),
        ("result", content("result", true, schema(returns)?)?),
    ];
    Ok(object(members)?.into())
}

fn is_required(form: &Form, index: usize) -> bool {
    form.params.get(index).is_some_and(|param| !param.is_optional)
}

/// The parameter at that place of all `forms` that have one there.
fn param(forms: &[Form], index: usize, is_required: bool) -> Result<Value, TooDeep> {
    let params: Vec<&FormParameter> =
        forms.iter().filter_map(|form| form.params.get(index)).collect();
    let nil = params.iter().find(|param| param.is_optional).map(|_| TypeName::Nil.as_str());
    let types = params.iter().map(|param| param.type_name.as_str()).chain(nil);
    let name = params.first().map_or("", |param| param.name.as_str());
    content(name, is_required, schema(types)?)
}

fn content(name: &str, is_required: bool, schema: Value) -> Result<Value, TooDeep> {
    let members = [("name", name.into()), ("required", is_required.into()), ("schema", schema)];
    Ok(object(members)?.into())
}

/// The schema of what is of one of these types; of anything where none is known. Any of them may fit,
/// since to JSON Schema an integer is a number.
fn schema<'a>(types: impl Iterator<Item = &'a str>) -> Result<Value, TooDeep> {
    let mut different = Vec::new();
    for name in types {
        if !different.contains(&name) {
            different.push(name);
        }
    }
    match &different[..] {
        [] => Ok(Struct::default().into()),
        [only] => schema_of(only),
        several => {
            let several = list(several.iter().map(|name| schema_of(name)))?;
            Ok(object([("anyOf", several)])?.into())
        }
    }
}

fn schema_of(type_name: &str) -> Result<Value, TooDeep> {
    let plain = |name: &str| object([("type", name.into())]);
    let schema = match type_name {
        "int" | "i4" | "i8" => plain("integer"),
        "double" => plain("number"),
        "boolean" => plain("boolean"),
        "string" => plain("string"),
        "nil" => plain("null"),
        "array" => plain("array"),
        "struct" => plain("object"),
        "base64" => object([("type", "string".into()), ("contentEncoding", "base64".into())]),
        "dateTime.iso8601" => {
            object([("type", "string".into()), ("description", "date and time, ISO 8601".into())])
        }
        _ => Ok(Struct::default()),
    };
    Ok(schema?.into())
}

fn list(values: impl Iterator<Item = Result<Value, TooDeep>>) -> Result<Value, TooDeep> {
    let values: Result<Vec<_>, _> = values.collect();
    Ok(Array::try_from(values?)?.into())
}

fn object<const N: usize>(members: [(&str, Value); N]) -> Result<Struct, TooDeep> {
    let members = members.map(|(name, value)| (name.to_owned(), value));
    Struct::from_members(members.to_vec())
}
