//! The page door: what is published, as one document for people, who read it and call from it.

mod document;
mod example;
mod text;

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use axum::http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderMap, HeaderName, HeaderValue, REFERRER_POLICY,
    VARY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use crate::registry::{Description, Program};

static STYLE: LazyLock<String> = LazyLock::new(|| sent(include_str!("page.css")));

/// One script, a file a noun.
static SCRIPT: LazyLock<String> = LazyLock::new(|| {
    sent(concat!(
        include_str!("values.js"),
        include_str!("xml.js"),
        include_str!("words.js"),
        include_str!("fields.js"),
        include_str!("outcome.js"),
        include_str!("calls.js"),
        include_str!("page.js"),
    ))
});

/// What is sent of a file: all but indentation, and lines that are comments.
fn sent(file: &str) -> String {
    let lines = file.lines().map(str::trim_start);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with("// "));
    lines.flat_map(|line| [line, "\n"]).collect()
}

/// For whom the page is, and what they see beside the methods.
pub(crate) struct Visit {
    pub(crate) program: Program,
    /// Whether the service is ready, in a word, where that is known.
    pub(crate) readiness: Option<&'static str>,
    /// Whether calls are taken by JSON-RPC too.
    pub(crate) has_json: bool,
    /// Whether callers are asked who they are.
    pub(crate) has_accounts: bool,
    /// Who has proved to be somebody.
    pub(crate) account: Option<String>,
    /// Whether the browser says by itself who asks, by a certificate or a login that it keeps.
    pub(crate) is_told_by_browser: bool,
}

/// The page as it is for somebody.
pub(crate) struct Document {
    pub(crate) text: String,
    /// Its entity tag, a weak one since it may be compressed.
    pub(crate) tag: String,
}

/// Writes the page with these `methods`, which are in the order of their names.
pub(crate) fn write(visit: &Visit, methods: &[Description]) -> Document {
    let text = document::write(visit, methods);
    let digest = digest(&SHA256, text.as_bytes());
    let tag = format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&digest.as_ref()[..16]));
    Document { text, tag }
}

/// The headers of every page.
pub(crate) fn headers() -> HeaderMap {
    static POLICY: LazyLock<HeaderValue> = LazyLock::new(policy);
    let fixed = |(name, value): (HeaderName, _)| (name, HeaderValue::from_static(value));
    let mut headers: HeaderMap = [
        (VARY, "accept, authorization, accept-encoding"),
        (CACHE_CONTROL, "private, no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
    ]
    .into_iter()
    .map(fixed)
    .collect();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    headers
}

/// What the page may load and run: its own style and script, known by their digests.
fn policy() -> HeaderValue {
    let source =
        |text: &str| format!("'sha256-{}'", STANDARD.encode(digest(&SHA256, text.as_bytes())));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(&STYLE),
        source(&SCRIPT)
    );
    // Without it nothing is styled or run.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
}
