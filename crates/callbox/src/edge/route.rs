//! Which door a request is for, by its path.

use axum::Router;
use axum::routing::MethodRouter;

use crate::registry::Door;

/// Where calls are posted by XML-RPC; clients that join an empty path to `/`, or end it with one,
/// post to the latter three.
const XML_RPC: [&str; 5] = ["/", "/RPC2", "//", "//RPC2", "/RPC2/"];

/// Where calls are posted by JSON-RPC.
const JSON_RPC: &str = "/jsonrpc";

/// What the paths begin with of which each is a method's.
const JSON: &str = "/json/";

/// The door that a request is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Route<'a> {
    /// XML-RPC.
    XmlRpc,
    /// JSON-RPC.
    JsonRpc,
    /// The method of this name, as it stands in the path.
    Json(&'a str),
}

impl<'a> Route<'a> {
    /// The door at `path`, the usual ones first and without a search. None where there is none, or
    /// one that is closed.
    pub(super) fn of(path: &'a str, is_json_open: bool) -> Option<Self> {
        if matches!(path, "/" | "/RPC2") {
            return Some(Self::XmlRpc);
        }
        match path.strip_prefix(JSON) {
            Some(method) if is_json_open && !method.is_empty() => Some(Self::Json(method)),
            None if is_json_open && path == JSON_RPC => Some(Self::JsonRpc),
            _ => XML_RPC.contains(&path).then_some(Self::XmlRpc),
        }
    }
}

impl Route<'_> {
    /// The door.
    pub(super) fn door(self) -> Door {
        match self {
            Self::XmlRpc => Door::XmlRpc,
            Self::JsonRpc => Door::JsonRpc,
            Self::Json(_) => Door::Json,
        }
    }
}

/// Answers what is no call at the paths of all doors that are open by `others`.
pub(super) fn others(others: MethodRouter, is_json_open: bool) -> Router {
    let json = [JSON_RPC, "/json/{*method}"];
    let json = if is_json_open { &json[..] } else { &[] };
    let paths = XML_RPC.iter().chain(json);
    paths.fold(Router::new(), |router, path| router.route(path, others.clone()))
}

/// The text that stands percent-encoded (RFC 3986, 2.1) in a path.
pub(super) fn decoded(path: &str) -> Option<Box<str>> {
    if !path.contains('%') {
        return Some(path.into());
    }
    let (mut bytes, mut rest) = (Vec::with_capacity(path.len()), path.as_bytes());
    while let [first, after @ ..] = rest {
        rest = after;
        let byte = match (first, after) {
            (b'%', [high, low, further @ ..]) => {
                rest = further;
                16 * hex(*high)? + hex(*low)?
            }
            (b'%', _) => return None,
            _ => *first,
        };
        bytes.push(byte);
    }
    String::from_utf8(bytes).ok().map(String::into_boxed_str)
}

fn hex(digit: u8) -> Option<u8> {
    let digit = char::from(digit).to_digit(16)?;
    u8::try_from(digit).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_doors() {
        let check = |path, expected| {
            assert_eq!(Route::of(path, true), expected, "{path}");
            let xml = expected.filter(|route| *route == Route::XmlRpc);
            assert_eq!(Route::of(path, false), xml, "{path}");
        };
        for path in XML_RPC {
            check(path, Some(Route::XmlRpc));
        }
        check("/jsonrpc", Some(Route::JsonRpc));
        check("/json/addition", Some(Route::Json("addition")));
        check("/json/a/b%20c", Some(Route::Json("a/b%20c")));
        check("/json//", Some(Route::Json("/")));
        for path in ["", "/json", "/json/", "/jsonrpc/", "/JSON/a", "/healthz", "/RPC3", "/rpc2"] {
            check(path, None);
        }
    }

    #[test]
    fn method_is_percent_decoded() {
        let check = |path, expected: Option<&str>| {
            assert_eq!(decoded(path).as_deref(), expected, "{path}");
        };
        check("addition", Some("addition"));
        check("a/b", Some("a/b"));
        check("a%2Fb%2fc", Some("a/b/c"));
        check("gr%C3%BC%C3%9Fe", Some("grüße"));
        check("a+b%2B", Some("a+b+"));
        check("%00", Some("\0"));
        for path in ["%", "%2", "a%", "%zz", "%+1", "%C3", "%FF%FE"] {
            check(path, None);
        }
    }
}
