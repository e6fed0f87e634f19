//! The gateway file: TOML to settings of upstreams and what is published of them.

mod entry;
mod line;
mod login;
mod method;
mod parameter;
mod publication;
mod reply;
mod xmlrpc;

#[cfg(test)]
mod tests;

use std::collections::HashSet;
use std::ops::Range;
use std::path::{Path, PathBuf};

use svc_runtime::file::{self, FileError, Mistake};
use toml::de::DeTable;

use self::entry::{Entry, Key, Text};
use super::glob::{is_name, is_reserved};
use super::method::LineMethod;
use super::publication::Publication;
use super::settings::{LineSettings, XmlrpcSettings};
use super::taken::Taken;

/// What a gateway file says.
#[derive(Debug, Clone, Default)]
pub struct GatewayFile {
    /// The line services, and the methods that ask them.
    pub line: Vec<LineService>,
    /// The XML-RPC servers, and what is published of them.
    pub xmlrpc: Vec<XmlrpcServer>,
    /// Files with logins that everybody on this machine can read.
    pub shown: Vec<PathBuf>,
}

/// A line service, and the methods that ask it.
#[derive(Debug, Clone)]
pub struct LineService {
    /// How it is asked.
    pub settings: LineSettings,
    /// The methods, by name.
    pub methods: Vec<LineMethod>,
}

/// An XML-RPC server, and what is published of it.
#[derive(Debug, Clone)]
pub struct XmlrpcServer {
    /// How it is asked.
    pub settings: XmlrpcSettings,
    /// What is published of it.
    pub publication: Publication,
}

impl GatewayFile {
    /// Reads the file at `path`, whole or not at all. `taken` are names that it cannot
    /// give; files that it names are looked for beside it.
    pub fn read(path: &Path, taken: &Taken) -> Result<Self, FileError> {
        let beside = path.parent().unwrap_or(Path::new(""));
        let parse = |text: &str| parse(text, beside, taken);
        file::read(path, "a gateway file", parse).map(|(file, _)| file)
    }
}

/// The sections, as mistakes name them.
const SECTIONS: &str = "[upstream.NAME], [method.\"NAME\"] or [publish.UPSTREAM]";

fn parse(text: &str, beside: &Path, taken: &Taken) -> Result<GatewayFile, Mistake> {
    let document =
        DeTable::parse(text).map_err(|error| Mistake::no_toml(error.span(), error.message()))?;
    let document = document.get_ref();
    let known = |key: &&Key<'_>| ["upstream", "method", "publish"].contains(&&**key.get_ref());
    if let Some(other) = document.keys().find(|key| !known(key)) {
        let what = format!("unknown section {:?}, expected {SECTIONS}", other.get_ref());
        return Err(Mistake::at(other.span(), what));
    }
    let mut reading = Reading {
        beside,
        taken,
        line: Vec::new(),
        servers: Vec::new(),
        names: HashSet::new(),
        shown: Vec::new(),
    };
    for (name, entry) in entries(document, "upstream")? {
        reading.upstream(name, &entry)?;
    }
    for (name, entry) in entries(document, "method")? {
        reading.method(name, &entry)?;
    }
    for (name, entry) in entries(document, "publish")? {
        reading.publication(name, &entry)?;
    }
    reading.end()
}

/// The entries of a section, in the order of the file.
fn entries<'a>(
    document: &'a DeTable<'a>,
    section: &str,
) -> Result<Vec<(&'a Key<'a>, Entry<'a>)>, Mistake> {
    let Some((key, value)) = document.get_key_value(section) else { return Ok(Vec::new()) };
    let section = Entry::of(key, value, SECTIONS)?;
    let entries = section.iter().map(|(key, value)| Ok((key, Entry::of(key, value, SECTIONS)?)));
    let mut entries = entries.collect::<Result<Vec<_>, _>>()?;
    entries.sort_by_key(|(key, _)| key.span().start);
    Ok(entries)
}

/// The file as far as it is read.
struct Reading<'a> {
    beside: &'a Path,
    taken: &'a Taken,
    line: Vec<LineService>,
    servers: Vec<Server>,
    /// Names of methods that the file publishes.
    names: HashSet<String>,
    shown: Vec<PathBuf>,
}

/// An XML-RPC server whose publication may still come.
struct Server {
    settings: XmlrpcSettings,
    publication: Option<Publication>,
    span: Range<usize>,
}

impl Reading<'_> {
    fn upstream(&mut self, key: &Key<'_>, entry: &Entry<'_>) -> Result<(), Mistake> {
        let name = named(key, "an upstream's name")?;
        if self.taken.upstreams.contains(name) {
            let what =
                format!("{name}: the service asks another one by this name, expected another");
            return Err(Mistake::at(key.span(), what));
        }
        let kind = entry.required_text("kind", KINDS)?;
        match *kind.get_ref() {
            "line" => {
                let settings = line::settings(name, entry, self.beside, &mut self.shown)?;
                self.line.push(LineService { settings, methods: Vec::new() });
            }
            "xmlrpc" => {
                let settings = xmlrpc::settings(name, entry, self.beside, &mut self.shown)?;
                self.servers.push(Server { settings, publication: None, span: key.span() });
            }
            _ => return Err(Mistake::at(kind.span(), format!("kind: expected {KINDS}"))),
        }
        Ok(())
    }

    fn method(&mut self, key: &Key<'_>, entry: &Entry<'_>) -> Result<(), Mistake> {
        method::is_quoted(key, entry)?;
        let name = named(key, "a method's name")?;
        self.take(name, key.span())?;
        let upstream = entry.required_text("upstream", "the name of a line upstream")?;
        let known = |service: &&mut LineService| service.settings.name == *upstream.get_ref();
        let Some(service) = self.line.iter_mut().find(known) else {
            return Err(self.no_upstream("upstream", "line", &upstream));
        };
        let method = method::method(name, entry, &service.settings)?;
        service.methods.push(method);
        Ok(())
    }

    fn publication(&mut self, key: &Key<'_>, entry: &Entry<'_>) -> Result<(), Mistake> {
        let known = |server: &Server| server.settings.name == **key.get_ref();
        let Some(place) = self.servers.iter().position(known) else {
            let name = Text::new(key.span(), key.get_ref());
            return Err(self.no_upstream("publish", "xmlrpc", &name));
        };
        let publication = publication::publication(entry)?;
        for (theirs, span) in publication::names(entry)? {
            self.take(&format!("{}{theirs}", publication.prefix), span)?;
        }
        self.servers[place].publication = Some(publication);
        Ok(())
    }

    /// Says what is wrong with a `name` that is none of the upstreams of the `kind`.
    fn no_upstream(&self, key: &str, kind: &str, name: &Text<'_>) -> Mistake {
        let line: Vec<_> = self.line.iter().map(|service| &*service.settings.name).collect();
        let xmlrpc: Vec<_> = self.servers.iter().map(|server| &*server.settings.name).collect();
        let (known, others) = if kind == "line" { (line, xmlrpc) } else { (xmlrpc, line) };
        let (name, span) = (name.get_ref(), name.span());
        let problem = match others.contains(name) {
            true => format!("the upstream {name:?} is of another kind"),
            false => format!("no such upstream {name:?}"),
        };
        let expected = match &known[..] {
            [] => "and there is none".to_owned(),
            known => format!("such as {}", known.join(", ")),
        };
        Mistake::at(span, format!("{key}: {problem}, expected one of kind {kind:?}, {expected}"))
    }

    /// Publishes a name once.
    fn take(&mut self, name: &str, span: Range<usize>) -> Result<(), Mistake> {
        if !is_name(name) {
            return Err(Mistake::at(span, format!("expected a method's name: {NAME}")));
        }
        if is_reserved(name) {
            let what = format!(
                "{name}: names in \"system.\" and \"rpc.\" belong to the service, expected another"
            );
            return Err(Mistake::at(span, what));
        }
        if self.taken.methods.contains(name) || !self.names.insert(name.to_owned()) {
            let what = format!("{name}: taken by another method, expected another name");
            return Err(Mistake::at(span, what));
        }
        Ok(())
    }

    fn end(self) -> Result<GatewayFile, Mistake> {
        let servers = self.servers.into_iter().map(|server| {
            let Some(publication) = server.publication else {
                let name = &server.settings.name;
                let what = format!("expected [publish.{name}]: what is published of it");
                return Err(Mistake::at(server.span, what));
            };
            Ok(XmlrpcServer { settings: server.settings, publication })
        });
        let xmlrpc = servers.collect::<Result<_, _>>()?;
        Ok(GatewayFile { line: self.line, xmlrpc, shown: self.shown })
    }
}

const KINDS: &str = "\"line\" or \"xmlrpc\"";
const NAME: &str = "1 to 128 letters, digits, or characters of _.:/-";

fn named<'a>(key: &'a Key<'_>, expected: &str) -> Result<&'a str, Mistake> {
    let name = &**key.get_ref();
    match is_name(name) {
        true => Ok(name),
        false => Err(Mistake::at(key.span(), format!("expected {expected}: {NAME}"))),
    }
}
