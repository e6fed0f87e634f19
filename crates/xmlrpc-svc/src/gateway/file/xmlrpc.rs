//! `[upstream.NAME]` of the kind `xmlrpc`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use callbox_client::transport::{Endpoint, EndpointSettings, Setting, Way};
use svc_runtime::file::{Mistake, refuse_named_pipe};
use svc_runtime::settings::deadline;

use super::entry::Entry;
use super::{line, login};
use crate::gateway::settings::XmlrpcSettings;

/// What is known of an XML-RPC upstream.
const KEYS: [&str; 10] = [
    "kind",
    "url",
    "timeout",
    "connections",
    "waiting",
    "ca",
    "cert",
    "key",
    "login",
    "max_response_bytes",
];

/// Most bytes of a response that can be set.
const MAX_RESPONSE_BYTES: usize = 1 << 30;

const URL: &str = "a URL of http, https, http+unix, scgi or scgi+unix";

/// Reads the settings of the upstream `name`.
pub(super) fn settings(
    name: &str,
    entry: &Entry<'_>,
    beside: &Path,
    shown: &mut Vec<PathBuf>,
) -> Result<XmlrpcSettings, Mistake> {
    entry.has_no_key_but(&KEYS)?;
    let bytes = entry.size("max_response_bytes", 1..=MAX_RESPONSE_BYTES)?;
    Ok(XmlrpcSettings {
        name: name.to_owned(),
        endpoint: endpoint(entry, beside, shown)?,
        timeout: entry.time("timeout", deadline)?.unwrap_or(Duration::from_secs(10)),
        connections: line::connections(entry, 16)?,
        waiting: line::waiting(entry)?,
        max_response_bytes: bytes.unwrap_or(16 << 20),
    })
}

fn endpoint(
    entry: &Entry<'_>,
    beside: &Path,
    shown: &mut Vec<PathBuf>,
) -> Result<Endpoint, Mistake> {
    let url = entry.required_text("url", URL)?;
    let settings = EndpointSettings {
        login: login::login(entry, beside, shown)?,
        // Of little use to a neighbour, and a way to fill the memory.
        takes_gzip: false,
        ca: pem(entry, "ca", beside)?,
        certificate: pem(entry, "cert", beside)?,
        key: pem(entry, "key", beside)?,
        way: Way::Direct,
    };
    Endpoint::new(url.get_ref(), &settings).map_err(|bad| {
        let key = key(bad.setting());
        let span = entry.value(key).map_or(url.span(), |value| value.span());
        Mistake::at(span, format!("{key}: {bad}"))
    })
}

/// The path that a key names, of a file that the client is to read.
fn pem(entry: &Entry<'_>, key: &str, beside: &Path) -> Result<Option<PathBuf>, Mistake> {
    let Some(path) = login::path(entry, key, beside)? else { return Ok(None) };
    refuse_named_pipe(&path).map_err(|cause| {
        let span = entry.value(key).map_or(0..0, |value| value.span());
        Mistake::at(span, format!("{key}: {}: {cause}", path.display()))
    })?;
    Ok(Some(path))
}

fn key(setting: Setting) -> &'static str {
    match setting {
        Setting::Login => "login",
        Setting::Ca => "ca",
        Setting::Certificate => "cert",
        Setting::Key => "key",
        _ => "url",
    }
}
