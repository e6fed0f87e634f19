//! `[upstream.NAME]` of the kind `line`.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use encoding_rs::{Encoding, UTF_8, X_USER_DEFINED};
use svc_runtime::file::Mistake;
use svc_runtime::settings::{deadline, delay};

use super::entry::Entry;
use super::login;
use crate::gateway::settings::{Address, LineEnd, LineSettings};

/// What is known of a line upstream.
const KEYS: [&str; 13] = [
    "kind",
    "address",
    "line_end",
    "connections",
    "waiting",
    "timeout",
    "pause",
    "greeting",
    "login",
    "error",
    "skip",
    "encoding",
    "max_reply_bytes",
];

/// Most connections to one upstream.
const MAX_CONNECTIONS: usize = 1_024;
/// Most calls that wait for one upstream.
const MAX_WAITING: usize = 65_536;
/// Most bytes of a reply that can be set.
const MAX_REPLY_BYTES: usize = 1 << 30;

const ADDRESS: &str = "HOST:PORT, [IPV6]:PORT or unix:/path";
const LINE_ENDS: &str = "\"\\n\", \"\\r\\n\" or \"\\r\"";
const ENCODINGS: &str =
    "\"utf-8\" or the WHATWG name of a single-byte charset, such as \"windows-1252\"";

/// Reads the settings of the upstream `name`.
pub(super) fn settings(
    name: &str,
    entry: &Entry<'_>,
    beside: &Path,
    shown: &mut Vec<PathBuf>,
) -> Result<LineSettings, Mistake> {
    entry.has_no_key_but(&KEYS)?;
    let address = entry.parsed("address", ADDRESS, Address::parse)?;
    let encoding = entry.parsed("encoding", ENCODINGS, charset)?.unwrap_or(UTF_8);
    let timeout = entry.time("timeout", deadline)?.unwrap_or(Duration::from_millis(800));
    Ok(LineSettings {
        name: name.to_owned(),
        address: entry.required("address", address, ADDRESS)?,
        line_end: entry.parsed("line_end", LINE_ENDS, line_end)?.unwrap_or(LineEnd::Lf),
        connections: connections(entry, 4)?,
        waiting: waiting(entry)?,
        timeout,
        pause: pause(entry, timeout)?,
        greeting: entry.beginning("greeting", encoding)?,
        login: login::lines(entry, beside, encoding, shown)?,
        error: entry.beginnings("error", encoding)?,
        skip: entry.beginnings("skip", encoding)?,
        encoding,
        max_reply_bytes: entry.size("max_reply_bytes", 1..=MAX_REPLY_BYTES)?.unwrap_or(65_536),
    })
}

/// A pause is within the time of the call that waits for it.
fn pause(entry: &Entry<'_>, timeout: Duration) -> Result<Duration, Mistake> {
    let pause = entry.time("pause", delay)?.unwrap_or_default();
    if pause >= timeout {
        let span = entry.value("pause").map_or(entry.span.clone(), |value| value.span());
        let what = format!("pause: expected less than the timeout, which is {timeout:?}");
        return Err(Mistake::at(span, what));
    }
    Ok(pause)
}

/// Connections to an upstream of either kind.
pub(super) fn connections(entry: &Entry<'_>, default: usize) -> Result<NonZeroUsize, Mistake> {
    let connections = entry.count("connections", 1..=MAX_CONNECTIONS)?.unwrap_or(default);
    Ok(NonZeroUsize::new(connections).unwrap_or(NonZeroUsize::MIN))
}

/// Calls that may wait for an upstream of either kind.
pub(super) fn waiting(entry: &Entry<'_>) -> Result<usize, Mistake> {
    Ok(entry.count("waiting", 0..=MAX_WAITING)?.unwrap_or(64))
}

fn line_end(text: &str) -> Option<LineEnd> {
    [LineEnd::Lf, LineEnd::CrLf, LineEnd::Cr]
        .into_iter()
        .find(|end| end.as_bytes() == text.as_bytes())
}

fn charset(label: &str) -> Option<&'static Encoding> {
    let charset = Encoding::for_label(label.as_bytes())?;
    // What is user-defined is no charset.
    let is_fit = charset == UTF_8 || charset.is_single_byte() && charset != X_USER_DEFINED;
    is_fit.then_some(charset)
}
