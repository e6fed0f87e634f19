//! The page written out: its frame, and what is told of each method.

use std::collections::BTreeMap;
use std::fmt::{self, Write};

use super::example::Curl;
use super::text::{Escaped, Fragment};
use super::{SCRIPT, STYLE, Visit};
use crate::registry::{Description, Form, FormParameter};

const FRAME: &str = include_str!("page.html");

const SIGN_IN: &str = include_str!("sign-in.html");

/// Bytes that a method takes, more or less.
const METHOD_BYTES: usize = 1024;

/// Writes the page, in time and room that grow with what there is to tell and no faster.
pub(super) fn write(visit: &Visit, methods: &[Description]) -> String {
    let frame = FRAME.len() + STYLE.len() + SCRIPT.len();
    let mut page = String::with_capacity(frame + METHOD_BYTES * (methods.len() + 1));
    // Writing into a string does not fail.
    let _ = fill(&mut page, visit, methods);
    page
}

/// Writes the frame with what belongs into its `{{places}}`.
fn fill(page: &mut String, visit: &Visit, methods: &[Description]) -> fmt::Result {
    let mut pieces = FRAME.split("{{");
    page.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (place, rest) = piece.split_once("}}").unwrap_or((piece, ""));
        match place {
            "name" => write!(page, "{}", Escaped(&visit.program.name))?,
            "version" => write!(page, "{}", Escaped(&visit.program.version))?,
            "credentials" => page.push_str(credentials(visit)),
            "json" => page.push_str(if visit.has_json { "on" } else { "off" }),
            "state" => state(page, visit, methods.len())?,
            "sign-in" => page.push_str(if visit.has_accounts { SIGN_IN } else { "" }),
            "list" => list(page, methods)?,
            "methods" => methods.iter().try_for_each(|told| method(page, told))?,
            "style" => page.push_str(&STYLE),
            _ => page.push_str(&SCRIPT),
        }
        page.push_str(rest);
    }
    Ok(())
}

/// Whether the script's calls carry what the browser sends by itself. Where it sends nothing they
/// do not, so that no prompt of the browser comes in between.
fn credentials(visit: &Visit) -> &'static str {
    if visit.is_told_by_browser { "same-origin" } else { "omit" }
}

fn state(page: &mut String, visit: &Visit, methods: usize) -> fmt::Result {
    if let Some(word) = visit.readiness {
        write!(page, "<span class=\"readiness {word}\">{word}</span> ")?;
    }
    let plural = if methods == 1 { "" } else { "s" };
    write!(page, "<span class=\"count\">{methods} method{plural}</span>")?;
    if let Some(account) = &visit.account {
        write!(page, " <span class=\"account\">for {}</span>", Escaped(account))?;
    }
    Ok(())
}

/// The names by groups, those without one first and our own last.
fn list(page: &mut String, methods: &[Description]) -> fmt::Result {
    let mut groups: BTreeMap<(bool, &str), Vec<&str>> = BTreeMap::new();
    for method in methods {
        let group = method.name.split_once('.').map_or("", |(group, _)| group);
        groups.entry((group == "system", group)).or_default().push(&method.name);
    }
    groups.iter().try_for_each(|((_, group), names)| section(page, group, names))
}

fn section(page: &mut String, group: &str, names: &[&str]) -> fmt::Result {
    page.push_str("<section>");
    if !group.is_empty() {
        write!(page, "<h2>{}</h2>", Escaped(group))?;
    }
    page.push_str("<ul>\n");
    for name in names {
        let short = if group.is_empty() { name } else { &name[group.len() + 1..] };
        // A name may end with its group's dot.
        let short = if short.is_empty() { name } else { short };
        writeln!(page, "<li><a href=\"#{}\">{}</a></li>", Fragment(name), Escaped(short))?;
    }
    page.push_str("</ul></section>\n");
    Ok(())
}

fn method(page: &mut String, told: &Description) -> fmt::Result {
    let name = Escaped(&told.name);
    write!(
        page,
        "<article id=\"{name}\">\n<h2><a href=\"#{}\">{name}</a></h2>\n",
        Fragment(&told.name)
    )?;
    if !told.help.is_empty() {
        writeln!(page, "<p class=\"help\">{}</p>", Escaped(&told.help))?;
    }
    page.push_str("<ul class=\"forms\">\n");
    told.forms.iter().try_for_each(|told| form(page, told))?;
    page.push_str("</ul>\n");
    let curl = Curl(told);
    let curl = Escaped(&curl);
    writeln!(
        page,
        "<details class=\"shell\"><summary>curl</summary><pre tabindex=\"0\">{curl}</pre></details>\n</article>"
    )
}

/// `(a: int, b?: int) → int`, from which the script reads names (`b`) and types (`i`).
fn form(page: &mut String, told: &Form) -> fmt::Result {
    page.push_str("<li><code>(");
    for (index, param) in told.params.iter().enumerate() {
        page.push_str(if index > 0 { ", " } else { "" });
        parameter(page, param)?;
    }
    writeln!(page, ") → <i>{}</i></code></li>", Escaped(&told.returns))
}

fn parameter(page: &mut String, told: &FormParameter) -> fmt::Result {
    let optional = if told.is_optional { "?" } else { "" };
    let (name, type_name) = (Escaped(&told.name), Escaped(&told.type_name));
    write!(page, "<span><b>{name}</b>{optional}: <i>{type_name}</i></span>")
}
