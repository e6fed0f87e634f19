//! What the head of a call says of its body.

use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN};
use protocol::xmlrpc::content_charset;

use super::coding::Coding;
use super::rejection::Rejection;
use super::route::{Route, decoded};
use crate::doors::Form;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The head of a call, as far as it matters.
#[derive(Debug)]
pub(super) struct Head {
    /// How the body is read.
    pub(super) form: Form,
    /// How the body is compressed.
    pub(super) coding: Coding,
}

impl Head {
    /// Reads the `headers` of a request by `route`, if they say that the body can be what that door
    /// reads.
    pub(super) fn read(route: Route<'_>, headers: &HeaderMap) -> Result<Self, Rejection> {
        let form = match route {
            Route::XmlRpc => Form::XmlRpc(xml_charset(headers)?),
            Route::JsonRpc => {
                check_json(headers)?;
                Form::JsonRpc
            }
            Route::Json(method) => {
                check_json(headers)?;
                Form::Json(decoded(method).ok_or(Rejection::MethodName)?)
            }
        };
        let coding = Coding::of(headers).ok_or(Rejection::ContentEncoding)?;
        Ok(Self { form, coding })
    }
}

/// The charset that the header names, where the header lets the body be XML.
fn xml_charset(headers: &HeaderMap) -> Result<Option<String>, Rejection> {
    let header = content_type(headers).ok_or(Rejection::NotXml)?;
    // What nearly all say.
    if header == "text/xml" {
        return Ok(None);
    }
    let is_readable = match media_type(header).as_str() {
        "text/xml" | "application/xml" => true,
        other => has_suffix(other, "+xml") || is_simple(other, headers),
    };
    if !is_readable {
        return Err(Rejection::NotXml);
    }
    Ok(content_charset(header).map(str::to_owned))
}

/// Whether the header lets the body be JSON in UTF-8, in which alone it is written (RFC 8259, 8.1).
fn check_json(headers: &HeaderMap) -> Result<(), Rejection> {
    let header = content_type(headers).ok_or(Rejection::NotJson)?;
    let is_readable = match media_type(header).as_str() {
        // The latter two are of JSON-RPC's drafts for HTTP.
        "application/json" | "application/json-rpc" | "application/jsonrequest" => true,
        other => has_suffix(other, "+json") || is_simple(other, headers),
    };
    let is_utf8 =
        |charset: &str| ["utf-8", "utf8"].iter().any(|utf8| charset.eq_ignore_ascii_case(utf8));
    if is_readable && content_charset(header).is_none_or(is_utf8) {
        Ok(())
    } else {
        Err(Rejection::NotJson)
    }
}

/// What the one header of that name says; nothing where there is none.
fn content_type(headers: &HeaderMap) -> Option<&str> {
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    match (fields.next(), fields.next()) {
        (header, None) => header.map_or(Some(""), |header| HeaderValue::to_str(header).ok()),
        _ => None,
    }
}

fn media_type(header: &str) -> String {
    header.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

fn has_suffix(media_type: &str, suffix: &str) -> bool {
    media_type
        .split_once('/')
        .is_some_and(|(_, subtype)| subtype.len() > suffix.len() && subtype.ends_with(suffix))
}

/// Whether it is what curl and simple devices send. So do browsers on behalf of any page, and they
/// say so.
fn is_simple(media_type: &str, headers: &HeaderMap) -> bool {
    let simple =
        ["", "application/x-www-form-urlencoded", "text/plain", "application/octet-stream"];
    simple.contains(&media_type)
        && !headers.contains_key(ORIGIN)
        && !headers.contains_key(SEC_FETCH_SITE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn content_types_of_xml_and_of_simple_clients_are_read() {
        for media_type in [
            "text/xml",
            "Text/XML",
            "application/xml",
            "application/xmlrpc+xml",
            "text/plain",
            "application/x-www-form-urlencoded",
            "application/octet-stream",
            "text/xml; charset=utf-8",
            "",
        ] {
            assert!(xml_charset(&headers(&[("content-type", media_type)])).is_ok(), "{media_type}");
        }
        assert!(xml_charset(&headers(&[])).is_ok());
        for media_type in
            ["application/json", "multipart/form-data; boundary=x", "text/html", "text/xmlx"]
        {
            let rejection = xml_charset(&headers(&[("content-type", media_type)]));
            assert_eq!(rejection, Err(Rejection::NotXml), "{media_type}");
        }
    }

    #[test]
    fn form_of_a_browser_reaches_no_method() {
        for mark in ["origin", "sec-fetch-site"] {
            for media_type in
                ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"]
            {
                let headers = headers(&[("content-type", media_type), (mark, "null")]);
                assert_eq!(xml_charset(&headers), Err(Rejection::NotXml), "{media_type} {mark}");
            }
            assert_eq!(xml_charset(&headers(&[(mark, "null")])), Err(Rejection::NotXml));
            // A page needs the service's leave to send this, which it never gives.
            assert!(xml_charset(&headers(&[("content-type", "text/xml"), (mark, "null")])).is_ok());
        }
    }

    #[test]
    fn content_types_of_json_and_of_simple_clients_are_read() {
        let check = |media_type: &'static str, mark: Option<&'static str>, expected| {
            let mut headers = headers(&[("content-type", media_type)]);
            if let Some(mark) = mark {
                headers.insert(mark, HeaderValue::from_static("null"));
            }
            assert_eq!(check_json(&headers).is_ok(), expected, "{media_type} {mark:?}");
        };
        for media_type in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/json;charset=\"UTF8\"",
            "application/json-rpc",
            "application/vnd.a+json",
        ] {
            check(media_type, None, true);
            check(media_type, Some("origin"), true);
        }
        for media_type in
            ["", "text/plain", "application/x-www-form-urlencoded", "application/octet-stream"]
        {
            check(media_type, None, true);
            check(media_type, Some("origin"), false);
            check(media_type, Some("sec-fetch-site"), false);
        }
        for media_type in [
            "text/xml",
            "application/+json",
            "text/json",
            "application/json; charset=utf-16",
            "application/json; charset=iso-8859-1",
            "multipart/form-data; boundary=x",
        ] {
            check(media_type, None, false);
        }
        assert_eq!(check_json(&HeaderMap::new()), Ok(()));
    }

    #[test]
    fn charset_parameter_is_read_in_any_spelling() {
        let check = |value: &'static str, expected: Option<&str>| {
            let charset = xml_charset(&headers(&[("content-type", value)]));
            assert_eq!(charset, Ok(expected.map(str::to_owned)), "{value}");
        };
        check("text/xml", None);
        check("text/xml;", None);
        check("text/xml; charset=utf-8", Some("utf-8"));
        check("text/xml;version=1; Charset = \"ISO-8859-1\"", Some("ISO-8859-1"));
    }
}
