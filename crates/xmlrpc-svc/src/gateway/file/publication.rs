//! `[publish.UPSTREAM]`.

use std::ops::Range;

use svc_runtime::file::Mistake;
use toml::de::DeValue;

use super::entry::{Entry, Text};
use crate::gateway::glob::{Glob, is_name, is_reserved};
use crate::gateway::pattern::Pattern;
use crate::gateway::publication::{ParamRule, Publication};

/// What is known of a publication.
const KEYS: [&str; 4] = ["prefix", "allow", "deny", "params"];

const ALLOW: &str = "a list of methods' names such as [\"download_list\", \"d.*\"]";
const PREFIX: &str =
    "nothing, or letters, digits and characters of _.:/- that are not in \"system.\" or \"rpc.\"";
const PARAMS: &str = "regular expressions by method, such as \"d.name\" = [\"[0-9A-F]{40}\"]";
const PATTERNS: &str = "a list of regular expressions, one for each parameter";

/// Reads what is published of an XML-RPC server.
pub(super) fn publication(entry: &Entry<'_>) -> Result<Publication, Mistake> {
    entry.has_no_key_but(&KEYS)?;
    let prefix = entry.parsed("prefix", PREFIX, prefix)?.unwrap_or_default();
    let allow = allow(entry)?;
    for (glob, span) in &allow {
        // By its letters alone: `*` leaves those out that belong to the service.
        if is_reserved(&format!("{prefix}{glob}")) {
            let what = format!(
                "allow: names in \"system.\" and \"rpc.\" belong to the service, expected a prefix before {glob}"
            );
            return Err(Mistake::at(span.clone(), what));
        }
    }
    let deny = globs(entry, "deny")?.unwrap_or_default();
    let allow: Vec<_> = allow.into_iter().map(|(glob, _)| glob).collect();
    let params = rules(entry, &allow)?;
    let deny = deny.into_iter().map(|(glob, _)| glob).collect();
    Ok(Publication { prefix, allow, deny, params })
}

/// The names, as they are over there, that are allowed as such.
pub(super) fn names(entry: &Entry<'_>) -> Result<Vec<(String, Range<usize>)>, Mistake> {
    let allow = allow(entry)?.into_iter();
    let mut names: Vec<(String, _)> = Vec::new();
    for (glob, span) in allow {
        if let Some(name) = glob.as_name().filter(|name| names.iter().all(|(one, _)| one != name)) {
            names.push((name.to_owned(), span));
        }
    }
    Ok(names)
}

fn prefix(text: &str) -> Option<String> {
    let is_prefix = text.is_empty() || (is_name(text) && !is_reserved(text));
    is_prefix.then(|| text.to_owned())
}

/// A pattern, and where it stands.
type Placed = (Glob, Range<usize>);

fn allow(entry: &Entry<'_>) -> Result<Vec<Placed>, Mistake> {
    let allow = globs(entry, "allow")?.filter(|globs| !globs.is_empty());
    entry.required("allow", allow, ALLOW)
}

fn globs(entry: &Entry<'_>, key: &str) -> Result<Option<Vec<Placed>>, Mistake> {
    let Some(texts) = entry.texts(key, ALLOW)? else { return Ok(None) };
    texts.iter().map(|text| Ok((glob(key, text)?, text.span()))).collect::<Result<_, _>>().map(Some)
}

fn glob(key: &str, text: &Text<'_>) -> Result<Glob, Mistake> {
    let glob = Glob::new(text.get_ref());
    glob.ok_or_else(|| Mistake::at(text.span(), format!("{key}: expected {ALLOW}")))
}

fn rules(entry: &Entry<'_>, allow: &[Glob]) -> Result<Vec<ParamRule>, Mistake> {
    let Some(value) = entry.value("params") else { return Ok(Vec::new()) };
    let table = Entry::inline(value, &format!("params: expected {PARAMS}"))?;
    let rules = table.iter().map(|(key, value)| {
        let methods = glob("params", &Text::new(key.span(), key.get_ref()))?;
        if !allow.iter().any(|glob| glob.fits(methods.as_str())) {
            let what =
                format!("params: {methods} is not allowed, expected what a pattern of allow fits");
            return Err(Mistake::at(key.span(), what));
        }
        let DeValue::Array(_) = value.get_ref() else {
            return Err(Mistake::at(value.span(), format!("params: expected {PATTERNS}")));
        };
        let texts = table.texts(key.get_ref(), PATTERNS)?.unwrap_or_default();
        let mut patterns = texts.iter().map(pattern);
        let Some(first) = patterns.next() else {
            return Err(Mistake::at(value.span(), format!("params: expected {PATTERNS}")));
        };
        Ok(ParamRule { methods, first: first?, rest: patterns.collect::<Result<_, _>>()? })
    });
    rules.collect()
}

fn pattern(text: &Text<'_>) -> Result<Pattern, Mistake> {
    Pattern::new(text.get_ref()).map_err(|bad| {
        Mistake::at(text.span(), format!("params: expected a regular expression: {bad}"))
    })
}
