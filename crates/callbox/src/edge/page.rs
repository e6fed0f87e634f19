//! The steps of showing the page: who asks, what it tells them, and whether they have it already.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::header::{ACCEPT, AUTHORIZATION, ETAG, HeaderMap, HeaderValue, IF_NONE_MATCH};
use axum::http::{Method, Request, StatusCode};
use axum::response::Response;
use svc_runtime::admin::Health;
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::access::Watch;
use super::aside::on_another_thread;
use super::calls::Calls;
use super::rejection::Rejection;
use super::response;
use crate::accounts::Denial;
use crate::doors::Kind;
use crate::doors::page::{self, Visit};
use crate::registry::{Caller, Program};

/// Pages that are written at once: what is much work must not keep calls from theirs.
const MAX_WRITING: usize = 1;

/// Longest wait for others' pages to be written.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// What is told at the edge without a call.
pub(crate) struct Front {
    /// The program that a page is of; `None` for no page.
    program: Option<Program>,
    /// `None` for a part of another program.
    pub(super) health: Option<Health>,
}

impl Front {
    /// The health, and a page of `program`.
    pub(crate) fn new(program: Option<Program>, health: Option<Health>) -> Self {
        Self { program, health }
    }
}

/// The page, and how many of it are being written.
pub(super) struct Page {
    program: Program,
    health: Option<Health>,
    writing: Arc<Semaphore>,
}

impl Page {
    /// The page, if there is one.
    pub(super) fn new(front: Front) -> Option<Self> {
        let Front { program, health } = front;
        Some(Self { program: program?, health, writing: Arc::new(Semaphore::new(MAX_WRITING)) })
    }

    /// The steps of showing it to `caller`, outermost first.
    pub(super) async fn answer(
        &self,
        calls: &Calls,
        caller: &mut Caller,
        watch: &Watch,
    ) -> Result<Response, Rejection> {
        let may_call = identify(calls, caller, watch).await?;
        let visit = self.visit(calls, caller).await;
        let turn = timeout(MAX_WAIT, self.writing.clone().acquire_owned()).await;
        let turn = turn.ok().and_then(Result::ok).ok_or(Rejection::NoPlace)?;
        let (published, asking) = (Arc::clone(calls.published()), caller.clone());
        let page = on_another_thread(move || {
            // It goes on where nobody waits for it any more.
            let _turn = turn;
            let methods = if may_call { published.descriptions(&asking) } else { Vec::new() };
            page::write(&visit, &methods)
        })
        .await;
        let mut response = if has_already(caller.headers(), &page.tag) {
            unchanged()
        } else {
            let (text, responses) = (page.text.into(), calls.responses());
            response::respond(text, Kind::Page, caller.headers(), responses).await?
        };
        response.headers_mut().extend(page::headers());
        if let Ok(tag) = HeaderValue::try_from(page.tag) {
            response.headers_mut().insert(ETAG, tag);
        }
        Ok(response)
    }

    async fn visit(&self, calls: &Calls, caller: &Caller) -> Visit {
        let readiness = match &self.health {
            Some(health) => Some(health.readiness().await.word),
            None => None,
        };
        let has_certificate = caller.connection().certificate.is_some();
        Visit {
            program: self.program.clone(),
            readiness,
            has_json: calls.is_json_open(),
            has_accounts: calls.accounts().is_some(),
            account: caller.account().map(|account| account.name.clone()),
            is_told_by_browser: has_certificate || caller.headers().contains_key(AUTHORIZATION),
        }
    }
}

/// Says who the caller is, and whether they may call anything: who says nothing, where nobody may
/// call without saying, is shown how to sign in.
async fn identify(calls: &Calls, caller: &mut Caller, watch: &Watch) -> Result<bool, Rejection> {
    let Some(accounts) = calls.accounts() else { return Ok(true) };
    let verdict = accounts.identify(caller.headers(), caller.connection()).await;
    let says_nothing = !caller.headers().contains_key(AUTHORIZATION);
    if says_nothing && matches!(verdict, Err(Denial::Unproven)) {
        return Ok(false);
    }
    watch.identified(&verdict);
    caller.identify(verdict?);
    Ok(true)
}

fn unchanged() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    response
}

/// Whether `If-None-Match` has the tag, or any (RFC 9110, 13.1.2).
fn has_already(headers: &HeaderMap, tag: &str) -> bool {
    let tags = headers.get_all(IF_NONE_MATCH).iter().filter_map(|field| field.to_str().ok());
    let weak = |tag: &str| tag.trim_start_matches("W/").to_owned();
    let mut tags = tags.flat_map(|field| field.split(',')).map(str::trim);
    tags.any(|own| own == "*" || weak(own) == weak(tag))
}

/// Whether the request is a browser's for the page.
pub(super) fn is_asked<B>(request: &Request<B>) -> bool {
    matches!(*request.method(), Method::GET | Method::HEAD)
        && request.uri().path() == "/"
        && prefers_html(request.headers())
}

/// Whether `Accept` names HTML, and nothing else that it would rather have: a client of calls names
/// XML or takes anything.
fn prefers_html(headers: &HeaderMap) -> bool {
    let fields = headers.get_all(ACCEPT).iter().filter_map(|field| field.to_str().ok());
    let (mut html, mut others) = (0, 0);
    for (media_type, weight) in fields.flat_map(|field| field.split(',')).map(weighed) {
        match media_type.to_ascii_lowercase().as_str() {
            "text/html" | "application/xhtml+xml" => html = html.max(weight),
            media_type if media_type.ends_with('*') => {}
            _ => others = others.max(weight),
        }
    }
    html > 0 && html >= others
}

/// A media type and its weight in thousandths; what is no weight counts as none.
fn weighed(range: &str) -> (&str, u16) {
    let mut parts = range.split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default();
    let weight = parts.find_map(|part| part.strip_prefix("q=").or(part.strip_prefix("Q=")));
    let weight = weight.map_or(Ok(1.0), str::parse::<f32>).unwrap_or(0.0);
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let thousandths = (weight.clamp(0.0, 1.0) * 1000.0) as u16;
    (media_type, thousandths)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderName;

    fn headers(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        values.iter().map(|value| (name.clone(), HeaderValue::from_static(value))).collect()
    }

    #[test]
    fn browsers_prefer_html_and_clients_do_not() {
        let check = |values: &[&'static str], expected| {
            assert_eq!(prefers_html(&headers(ACCEPT, values)), expected, "{values:?}");
        };
        check(
            &["text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8"],
            true,
        );
        check(&["text/html"], true);
        check(&["Text/HTML;level=1;q=0.4, */*"], true);
        check(&["application/xml;q=0.9", "application/xhtml+xml"], true);
        check(&[], false);
        check(&["*/*"], false);
        check(&["text/*"], false);
        check(&["text/xml"], false);
        check(&["text/xml, text/html;q=0.9"], false);
        check(&["text/html;q=0"], false);
        check(&["text/html;q=x"], false);
        check(&["text/html;q=NaN"], false);
        check(&[""], false);
    }

    #[test]
    fn tag_is_found_among_those_that_the_browser_has() {
        let check = |values: &[&'static str], expected| {
            let headers = headers(IF_NONE_MATCH, values);
            assert_eq!(has_already(&headers, "W/\"a\""), expected, "{values:?}");
        };
        check(&["W/\"a\""], true);
        check(&["\"a\""], true);
        check(&["\"b\", W/\"a\""], true);
        check(&["\"b\"", "\"a\""], true);
        check(&["*"], true);
        check(&[], false);
        check(&["\"b\""], false);
        check(&["a"], false);
    }
}
