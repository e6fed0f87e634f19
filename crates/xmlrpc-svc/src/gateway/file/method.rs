//! `[method."NAME"]`.

use encoding_rs::Encoding;
use protocol::xmlrpc::{Value, check_writable};
use svc_runtime::file::Mistake;
use toml::de::DeValue;

use super::entry::{Entry, Key, Text, beginning};
use super::{parameter, reply};
use crate::gateway::method::{LineMethod, Question};
use crate::gateway::parameter::Parameter;
use crate::gateway::settings::LineSettings;
use crate::gateway::template::Template;

/// What is known of a method that sends lines.
const KEYS: [&str; 9] =
    ["upstream", "help", "params", "send", "reply", "result", "then", "ok", "idempotent"];

const SEND: &str = "a line to send, with {name} in the place of a parameter";
const PARAMS: &str = "params: expected a list such as [{ name = \"hertz\", type = \"int\" }]";

/// Reads the method `name` that asks an upstream.
pub(super) fn method(
    name: &str,
    entry: &Entry<'_>,
    upstream: &LineSettings,
) -> Result<LineMethod, Mistake> {
    entry.has_no_key_but(&KEYS)?;
    let parameters = parameters(entry)?;
    let send = entry.required_text("send", SEND)?;
    let template = template("send", &send, &parameters, upstream.encoding)?;
    let then = question(entry, &parameters, upstream.encoding)?;
    let has_place =
        |index| template.has(index) || then.as_ref().is_some_and(|then| then.send.has(index));
    if let Some(index) = (0..parameters.len()).find(|index| !has_place(*index)) {
        let name = &parameters[index].name;
        let what = format!("send: no place for the parameter {name:?}, expected {{{name}}} in it");
        return Err(Mistake::at(send.span(), what));
    }
    let charset = upstream.encoding;
    let reply = reply::framing(entry, charset)?;
    Ok(LineMethod {
        name: name.to_owned(),
        help: help(entry)?,
        send: template,
        then,
        result: reply::kind(entry, &reply, charset)?,
        reply,
        is_idempotent: entry.flag("idempotent")?,
        parameters,
    })
}

fn help(entry: &Entry<'_>) -> Result<String, Mistake> {
    let Some(help) = entry.text("help", "what it does")? else { return Ok(String::new()) };
    let text = (*help.get_ref()).to_owned();
    // No document could carry it to who asks for it.
    check_writable(&Value::from(&*text)).map_err(|_| {
        Mistake::at(help.span(), "help: expected text without control characters but line ends")
    })?;
    Ok(text)
}

/// Tells a name with dots that is not in quotes, which TOML reads as tables.
pub(super) fn is_quoted(key: &Key<'_>, entry: &Entry<'_>) -> Result<(), Mistake> {
    let inner = entry.iter().find(|(inner, value)| {
        matches!(value.get_ref(), DeValue::Table(_)) && !KEYS.contains(&&**inner.get_ref())
    });
    match inner {
        None => Ok(()),
        Some((inner, _)) => {
            let name = format!("{}.{}", key.get_ref(), inner.get_ref());
            let what = format!("expected a name with dots in quotes: [method.\"{name}\"]");
            Err(Mistake::at(inner.span(), what))
        }
    }
}

fn parameters(entry: &Entry<'_>) -> Result<Vec<Parameter>, Mistake> {
    let Some(value) = entry.value("params") else { return Ok(Vec::new()) };
    let DeValue::Array(elements) = value.get_ref() else {
        return Err(Mistake::at(value.span(), PARAMS));
    };
    let mut parameters: Vec<Parameter> = Vec::with_capacity(elements.len());
    for element in elements.iter() {
        let parameter = parameter::parameter(element)?;
        if parameters.iter().any(|other| other.name == parameter.name) {
            let what =
                format!("params: the name {:?} twice, expected different ones", parameter.name);
            return Err(Mistake::at(element.span(), what));
        }
        parameters.push(parameter);
    }
    Ok(parameters)
}

fn question(
    entry: &Entry<'_>,
    parameters: &[Parameter],
    charset: &'static Encoding,
) -> Result<Option<Question>, Mistake> {
    let then = entry.text("then", "a line to send afterwards")?;
    match (then, entry.text("ok", "how the answer begins where all is well")?) {
        (None, None) => Ok(None),
        (Some(then), Some(ok)) => Ok(Some(Question {
            send: template("then", &then, parameters, charset)?,
            ok: beginning("ok", &ok, charset)?,
        })),
        (Some(then), None) => {
            let what = "then: expected the key ok: how its answer begins where all is well";
            Err(Mistake::at(then.span(), what))
        }
        (None, Some(ok)) => {
            Err(Mistake::at(ok.span(), "ok: expected the key then: what is asked afterwards"))
        }
    }
}

fn template(
    key: &str,
    text: &Text<'_>,
    parameters: &[Parameter],
    charset: &'static Encoding,
) -> Result<Template, Mistake> {
    let names: Vec<_> = parameters.iter().map(|parameter| &*parameter.name).collect();
    Template::parse(text.get_ref(), &names, charset)
        .map_err(|what| Mistake::at(text.span(), format!("{key}: {what}")))
}
