//! Files beside the gateway file: logins, of which no word is ever told.

use std::path::{Path, PathBuf};

use callbox_client::transport::Login;
use encoding_rs::Encoding;
use svc_runtime::file::{self, Mistake, Secrets};

use super::entry::{Entry, Text};
use crate::gateway::parameter::is_control;
use crate::gateway::settings::LoginLines;
use crate::gateway::template::{encoded, unsayable};

/// Most bytes of a file with a login.
const MAX_LOGIN_BYTES: u64 = 65_536;

/// The path that a key names, beside the gateway file where it is relative.
pub(super) fn path(
    entry: &Entry<'_>,
    key: &str,
    beside: &Path,
) -> Result<Option<PathBuf>, Mistake> {
    entry.parsed(key, "the path of a file", |text| (!text.is_empty()).then(|| beside.join(text)))
}

/// Lines that are sent one after the other, in the upstream's charset.
pub(super) fn lines(
    entry: &Entry<'_>,
    beside: &Path,
    charset: &'static Encoding,
    shown: &mut Vec<PathBuf>,
) -> Result<Option<LoginLines>, Mistake> {
    let Some((key, text)) = text(entry, beside, shown)? else { return Ok(None) };
    let mistake = |what: String| Mistake::at(key.span(), format!("login: {what}"));
    let lines: Vec<_> = text.lines().filter(|line| !line.is_empty()).collect();
    if lines.is_empty() || lines.iter().any(|line| line.contains(is_control)) {
        return Err(mistake("expected lines of text in that file".to_owned()));
    }
    let lines = lines.into_iter().map(|line| encoded(line, charset));
    let lines = lines.collect::<Option<_>>().ok_or_else(|| mistake(unsayable(charset)))?;
    Ok(Some(LoginLines(lines)))
}

/// One line: a user and a password, or a token.
pub(super) fn login(
    entry: &Entry<'_>,
    beside: &Path,
    shown: &mut Vec<PathBuf>,
) -> Result<Option<Login>, Mistake> {
    let Some((key, text)) = text(entry, beside, shown)? else { return Ok(None) };
    let login = text.parse();
    login.map(Some).map_err(|bad| Mistake::at(key.span(), format!("login: {bad}, in that file")))
}

/// The text of the file that the key `login` names.
fn text<'a>(
    entry: &Entry<'a>,
    beside: &Path,
    shown: &mut Vec<PathBuf>,
) -> Result<Option<(Text<'a>, String)>, Mistake> {
    let Some(path) = path(entry, "login", beside)? else { return Ok(None) };
    let key = entry.required_text("login", "the path of a file")?;
    let mistake = |what: String| Mistake::at(key.span(), format!("login: {what}"));
    let (bytes, secrets) = file::bytes(&path, MAX_LOGIN_BYTES).map_err(|cause| {
        mistake(format!("expected a file that can be read: {}: {cause}", path.display()))
    })?;
    let text = String::from_utf8(bytes)
        .map_err(|_| mistake(format!("expected UTF-8 in {}", path.display())))?;
    if secrets == Secrets::Shown && !shown.contains(&path) {
        shown.push(path);
    }
    Ok(Some((key, text)))
}
