//! What is wrong with the head of a request that hyper lets through.

use std::net::Ipv6Addr;

use axum::http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue, TRANSFER_ENCODING};
use axum::http::{HeaderMap, Request, StatusCode, Uri, Version};
use axum::response::{IntoResponse, Response};
use hyper::body::Body;

/// A head that is not answered as it asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum BadHead {
    /// There is no `Host`, or more than one, or none that can be a host (RFC 9112, 3.2).
    Host,
    /// The body is `chunked` twice (RFC 9112, 7.1).
    Chunked,
    /// The body is coded in a way that is not read (RFC 9112, 6.1).
    TransferCoding,
}

impl BadHead {
    /// Its status.
    pub(crate) fn status(self) -> StatusCode {
        match self {
            Self::Host | Self::Chunked => StatusCode::BAD_REQUEST,
            Self::TransferCoding => StatusCode::NOT_IMPLEMENTED,
        }
    }

    fn text(self) -> &'static str {
        match self {
            Self::Host => "Send one Host header, with a name or address.\n",
            Self::Chunked => "A body is chunked once.\n",
            Self::TransferCoding => "Send the body plain, or with Transfer-Encoding: chunked.\n",
        }
    }
}

impl IntoResponse for BadHead {
    /// The connection is closed after it: what follows such a head is not to be trusted.
    fn into_response(self) -> Response {
        let text = HeaderValue::from_static("text/plain; charset=utf-8");
        let close = HeaderValue::from_static("close");
        (self.status(), [(CONTENT_TYPE, text), (CONNECTION, close)], self.text()).into_response()
    }
}

/// Checks what hyper does not: it has seen to it that the last transfer coding is `chunked`, and
/// that HTTP/1.0 has none.
pub(crate) fn check<B: Body>(request: &Request<B>) -> Result<(), BadHead> {
    check_host(request.version(), request.headers())?;
    // A length is known where nothing is chunked.
    if request.body().size_hint().exact().is_some() {
        return Ok(());
    }
    check_codings(request.headers())
}

fn check_host(version: Version, headers: &HeaderMap) -> Result<(), BadHead> {
    let mut fields = headers.get_all(HOST).iter();
    match (fields.next(), fields.next()) {
        (None, _) if version < Version::HTTP_11 => Ok(()),
        (Some(host), None) if is_host(host.as_bytes()) => Ok(()),
        _ => Err(BadHead::Host),
    }
}

fn check_codings(headers: &HeaderMap) -> Result<(), BadHead> {
    let fields = headers.get_all(TRANSFER_ENCODING).iter();
    let codings = fields.flat_map(|field| field.as_bytes().split(|&byte| byte == b','));
    let (mut chunked, mut others) = (0, 0);
    for coding in codings.map(<[u8]>::trim_ascii).filter(|coding| !coding.is_empty()) {
        let counted =
            if coding.eq_ignore_ascii_case(b"chunked") { &mut chunked } else { &mut others };
        *counted += 1;
    }
    match (chunked, others) {
        (2.., _) => Err(BadHead::Chunked),
        (_, 1..) => Err(BadHead::TransferCoding),
        _ => Ok(()),
    }
}

/// The host that a request names, without its port: that of an absolute target, else that of `Host`,
/// which has been checked. Empty where it names none.
pub fn host<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> &'a str {
    if let Some(host) = uri.host() {
        return host;
    }
    let host = headers.get(HOST).map(HeaderValue::as_bytes).unwrap_or_default();
    std::str::from_utf8(split_port(host).0).unwrap_or_default()
}

/// Whether it is `uri-host [ ":" port ]` (RFC 3986, 3.2.2). The host may be empty.
fn is_host(value: &[u8]) -> bool {
    let (host, port) = split_port(value);
    let is_good = match host {
        [b'[', address @ .., b']'] => is_ipv6(address),
        name => name.iter().all(|&byte| IS_UNESCAPED[byte as usize]) || is_escaped_name(name),
    };
    is_good && port.iter().all(u8::is_ascii_digit)
}

fn split_port(value: &[u8]) -> (&[u8], &[u8]) {
    let from = match value {
        [b'[', rest @ ..] => 1 + rest.iter().position(|&byte| byte == b']').unwrap_or(0),
        _ => 0,
    };
    match value[from..].iter().position(|&byte| byte == b':') {
        Some(colon) => (&value[..from + colon], &value[from + colon + 1..]),
        None => (value, b""),
    }
}

fn is_ipv6(address: &[u8]) -> bool {
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok())
}

fn is_escaped_name(mut rest: &[u8]) -> bool {
    loop {
        rest = match rest {
            [] => return true,
            [b'%', a, b, rest @ ..] if a.is_ascii_hexdigit() && b.is_ascii_hexdigit() => rest,
            [byte, rest @ ..] if IS_UNESCAPED[*byte as usize] => rest,
            _ => return false,
        }
    }
}

/// By byte, whether it stands for itself in a name. A table, since every request is checked.
const IS_UNESCAPED: [bool; 256] = {
    let (mut table, mut byte) = ([false; 256], 0);
    while byte < 256 {
        table[byte] = (byte as u8).is_ascii_alphanumeric();
        byte += 1;
    }
    let others = b"-.~_!$&'()*+,;=";
    let mut other = 0;
    while other < others.len() {
        table[others[other] as usize] = true;
        other += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header::HeaderName;

    fn headers(name: HeaderName, values: &[&'static str]) -> HeaderMap {
        let pair = |value: &&'static str| (name.clone(), HeaderValue::from_static(value));
        values.iter().map(pair).collect()
    }

    #[test]
    fn host_is_there_once_and_is_one() {
        let check = |version, values: &[&'static str], is_good: bool| {
            let checked = check_host(version, &headers(HOST, values));
            assert_eq!(checked.is_ok(), is_good, "{version:?} {values:?}");
        };
        for good in
            ["", "a", "my_host.example:80", "a:", "[::1]", "[::1]:80", "127.0.0.1:5022", "%41"]
        {
            check(Version::HTTP_11, &[good], true);
        }
        for bad in
            ["a b", "a, b", "a/b", "u@a", "a:b", "a:1:2", "::1", "[::1", "[x]", "[::1]x", "%4"]
        {
            check(Version::HTTP_11, &[bad], false);
            check(Version::HTTP_10, &[bad], false);
        }
        check(Version::HTTP_11, &[], false);
        check(Version::HTTP_10, &[], true);
        for version in [Version::HTTP_10, Version::HTTP_11] {
            check(version, &["a", "a"], false);
        }
    }

    #[test]
    fn host_is_told_without_its_port_and_that_of_the_target_comes_first() {
        let check = |uri: &str, value: &'static str, expected: &str| {
            assert_eq!(host(&uri.parse().unwrap(), &headers(HOST, &[value])), expected);
        };
        check("/", "localhost:5022", "localhost");
        check("/", "localhost", "localhost");
        check("/", "[::1]:5022", "[::1]");
        check("/", "", "");
        check("http://evil.example:1/", "localhost", "evil.example");
        assert_eq!(host(&"/".parse().unwrap(), &HeaderMap::new()), "");
    }

    #[test]
    fn body_is_chunked_once_and_nothing_else() {
        let check = |values: &[&'static str], expected| {
            assert_eq!(check_codings(&headers(TRANSFER_ENCODING, values)), expected, "{values:?}");
        };
        check(&["chunked"], Ok(()));
        check(&[" , Chunked"], Ok(()));
        check(&["gzip, chunked"], Err(BadHead::TransferCoding));
        check(&["gzip", "chunked"], Err(BadHead::TransferCoding));
        check(&["chunked, chunked"], Err(BadHead::Chunked));
        check(&["chunked", "chunked"], Err(BadHead::Chunked));
        check(&["chunked, gzip, chunked"], Err(BadHead::Chunked));
    }
}
