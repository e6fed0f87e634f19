//! What the head of a call says of its body.

use axum::http::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, ORIGIN};

use super::coding::Coding;
use super::rejection::Rejection;

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The head of a call, as far as it matters.
pub(super) struct Head {
    /// The `charset` parameter of `Content-Type`.
    pub(super) charset: Option<String>,
    /// How the body is compressed.
    pub(super) coding: Coding,
}

impl Head {
    /// Reads `headers`, if they say that the body can be XML-RPC.
    pub(super) fn read(headers: &HeaderMap) -> Result<Self, Rejection> {
        Ok(Self {
            charset: xml_charset(headers)?,
            coding: Coding::of(headers).ok_or(Rejection::ContentEncoding)?,
        })
    }
}

/// The charset that the header names, where the header lets the body be XML.
fn xml_charset(headers: &HeaderMap) -> Result<Option<String>, Rejection> {
    let mut fields = headers.get_all(CONTENT_TYPE).iter();
    let header =
        fields.next().map(HeaderValue::to_str).transpose().map_err(|_| Rejection::MediaType)?;
    if fields.next().is_some() {
        return Err(Rejection::MediaType);
    }
    // What nearly all say.
    if header == Some("text/xml") {
        return Ok(None);
    }
    let mut parts = header.unwrap_or_default().split(';').map(str::trim);
    let media_type = parts.next().unwrap_or_default().to_ascii_lowercase();
    let is_readable = match media_type.as_str() {
        "text/xml" | "application/xml" => true,
        // curl and simple devices send these; so do browsers on behalf of any page, and they say so.
        "" | "application/x-www-form-urlencoded" | "text/plain" | "application/octet-stream" => {
            !headers.contains_key(ORIGIN) && !headers.contains_key(SEC_FETCH_SITE)
        }
        other => other
            .split_once('/')
            .is_some_and(|(_, subtype)| subtype.len() > 4 && subtype.ends_with("+xml")),
    };
    if !is_readable {
        return Err(Rejection::MediaType);
    }
    let charset = parts
        .filter_map(|part| part.split_once('='))
        .find(|(name, _)| name.trim().eq_ignore_ascii_case("charset"));
    Ok(charset.map(|(_, value)| value.trim().trim_matches('"').to_owned()))
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
            assert_eq!(rejection, Err(Rejection::MediaType), "{media_type}");
        }
    }

    #[test]
    fn form_of_a_browser_reaches_no_method() {
        for mark in ["origin", "sec-fetch-site"] {
            for media_type in
                ["text/plain", "application/x-www-form-urlencoded", "application/octet-stream"]
            {
                let headers = headers(&[("content-type", media_type), (mark, "null")]);
                assert_eq!(xml_charset(&headers), Err(Rejection::MediaType), "{media_type} {mark}");
            }
            assert_eq!(xml_charset(&headers(&[(mark, "null")])), Err(Rejection::MediaType));
            // A page needs the service's leave to send this, which it never gives.
            assert!(xml_charset(&headers(&[("content-type", "text/xml"), (mark, "null")])).is_ok());
        }
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
