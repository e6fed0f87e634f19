//! Who calls through a proxy, as far as the proxy is trusted.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use svc_runtime::network::Network;

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The caller's address, if `peer` is one of the `trusted` and says it: the last in
/// `X-Forwarded-For` that is not trusted itself. `None` where there is none, or what is no address
/// comes before it.
pub(super) fn caller(peer: IpAddr, trusted: &[Network], headers: &HeaderMap) -> Option<IpAddr> {
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(*address));
    if !is_trusted(&peer) {
        return None;
    }
    let fields = headers.get_all(X_FORWARDED_FOR).iter().rev();
    let texts = fields.map(HeaderValue::to_str).flat_map(|text| text.unwrap_or("?").rsplit(','));
    texts.map(address).find(|address| !address.as_ref().is_some_and(is_trusted)).flatten()
}

/// An address, with or without a port, as proxies write it.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bracketed = text.strip_prefix('[').and_then(|text| text.strip_suffix(']'));
    let address = bracketed.unwrap_or(text).parse().ok();
    address.or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip())).map(|ip| ip.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn last_address_that_is_not_trusted_is_the_callers() {
        let trusted = ["10.0.0.0/8".parse().unwrap(), "2001:db8::/32".parse().unwrap()];
        let check = |peer: &str, fields: &[&str], expected: Option<&str>| {
            let field = |value: &&str| (X_FORWARDED_FOR, HeaderValue::from_str(value).unwrap());
            let headers = fields.iter().map(field).collect();
            let caller = caller(peer.parse().unwrap(), &trusted, &headers);
            assert_eq!(caller, expected.map(|text| text.parse().unwrap()), "{peer} {fields:?}");
        };
        check("10.0.0.1", &["192.0.2.1"], Some("192.0.2.1"));
        check("::ffff:10.0.0.1", &["192.0.2.1"], Some("192.0.2.1"));
        check("2001:db8::1", &[" 192.0.2.1 , 10.0.0.2"], Some("192.0.2.1"));
        check("10.0.0.1", &["192.0.2.9, 192.0.2.1", "10.0.0.2,10.0.0.3"], Some("192.0.2.1"));
        check("10.0.0.1", &["::ffff:192.0.2.1"], Some("192.0.2.1"));
        for (text, address) in [
            ("192.0.2.1:80", "192.0.2.1"),
            ("3fff::1", "3fff::1"),
            ("[3fff::1]", "3fff::1"),
            ("[3fff::1]:80", "3fff::1"),
        ] {
            check("10.0.0.1", &[text], Some(address));
        }
        // Nobody trusts who says it.
        check("192.0.2.1", &["192.0.2.2"], None);
        // Nobody says it, or nobody can read it.
        for fields in
            [&[][..], &[""], &["10.0.0.2"], &["192.0.2.1, unknown"], &["é"], &["192.0.2.1", ","]]
        {
            check("10.0.0.1", fields, None);
        }
        // What the caller says is not looked at.
        check("10.0.0.1", &["unknown, 192.0.2.1"], Some("192.0.2.1"));
    }
}
