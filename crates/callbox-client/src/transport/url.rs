//! The URL of a server, taken apart.

use std::fmt;
use std::net::Ipv6Addr;
use std::os::unix::ffi::OsStringExt;
use std::path::PathBuf;

use hyper::http::uri::PathAndQuery;

/// Path of a URL that has none.
const DEFAULT_PATH: &str = "/RPC2";

/// What is spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
    Scgi,
}

/// Where a server is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    /// A name or address, IPv6 without its brackets, and a port.
    Host(String, u16),
    /// The file of a Unix socket.
    Unix(PathBuf),
}

/// A URL without the login that stood in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Url {
    pub(crate) scheme: Scheme,
    pub(crate) place: Place,
    pub(crate) path: PathAndQuery,
}

/// User and password, as they stood in a URL.
pub(crate) type UserInfo = (String, String);

const EXPECTED: &str = "expected http://HOST, https://HOST, http+unix:///SOCKET, scgi://HOST:PORT or scgi+unix:///SOCKET";

/// Takes `text` apart. The error is what was expected; it has nothing of the text, in which
/// passwords may stand.
pub(crate) fn parse(text: &str) -> Result<(Url, Option<UserInfo>), &'static str> {
    let (scheme, rest) = text.split_once("://").ok_or(EXPECTED)?;
    if !rest.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err("expected a URL without blanks, with %XX for what is not ASCII");
    }
    if rest.contains('#') {
        return Err("expected a URL without a fragment (#)");
    }
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user_info, authority) = match authority.rsplit_once('@') {
        Some((user_info, authority)) => (Some(parse_user_info(user_info)?), authority),
        None => (None, authority),
    };
    let (scheme, default_port) = match scheme.to_ascii_lowercase().as_str() {
        "http" => (Scheme::Http, Some(80)),
        "https" => (Scheme::Https, Some(443)),
        "scgi" => (Scheme::Scgi, None),
        "http+unix" => return Ok((unix(Scheme::Http, authority, path)?, user_info)),
        "scgi+unix" => return Ok((unix(Scheme::Scgi, authority, path)?, user_info)),
        _ => return Err(EXPECTED),
    };
    let place = parse_host(authority, default_port)?;
    Ok((Url { scheme, place, path: parse_path(path)? }, user_info))
}

/// A server behind the file of a Unix socket, which is the path where there is no host, and else
/// the host, percent-encoded.
fn unix(scheme: Scheme, authority: &str, path: &str) -> Result<Url, &'static str> {
    let (socket, path) = if authority.is_empty() { (path, "") } else { (authority, path) };
    let socket = decode(socket).ok_or(BAD_ESCAPE)?;
    if !socket.starts_with(b"/") || socket.contains(&0) || socket.contains(&b'?') {
        return Err(
            "expected the path of a Unix socket from /: http+unix:///run/x.sock or http+unix://%2Frun%2Fx.sock/RPC2",
        );
    }
    let place = Place::Unix(PathBuf::from(std::ffi::OsString::from_vec(socket)));
    Ok(Url { scheme, place, path: parse_path(path)? })
}

fn parse_host(authority: &str, default_port: Option<u16>) -> Result<Place, &'static str> {
    const EXPECTED: &str =
        "expected a host's name, IPv4 or [IPv6] address, with a port from 1 to 65535";
    let (host, port) = match authority.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']').ok_or(EXPECTED)?;
            host.parse::<Ipv6Addr>().map_err(|_| EXPECTED)?;
            (
                host,
                if port.is_empty() { None } else { Some(port.strip_prefix(':').ok_or(EXPECTED)?) },
            )
        }
        None => {
            let (host, port) = authority
                .split_once(':')
                .map_or((authority, None), |(host, port)| (host, Some(port)));
            let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
            if host.is_empty() || !host.bytes().all(is_allowed) {
                return Err(EXPECTED);
            }
            (host, port)
        }
    };
    let port = match port {
        None => default_port.ok_or("expected a port: scgi://HOST:PORT")?,
        // Rust reads a sign before a number, too.
        Some(port) if port.starts_with('+') => return Err(EXPECTED),
        Some(port) => port.parse().ok().filter(|&port| port != 0).ok_or(EXPECTED)?,
    };
    Ok(Place::Host(host.to_owned(), port))
}

fn parse_path(path: &str) -> Result<PathAndQuery, &'static str> {
    let path = match path {
        "" => DEFAULT_PATH.to_owned(),
        query if query.starts_with('?') => format!("{DEFAULT_PATH}{query}"),
        path => path.to_owned(),
    };
    PathAndQuery::try_from(path).map_err(|_| "expected a path of the characters of a URL")
}

const BAD_ESCAPE: &str = "expected two hexadecimal digits after each %";

fn parse_user_info(text: &str) -> Result<UserInfo, &'static str> {
    let (user, password) = text.split_once(':').unwrap_or((text, ""));
    let decoded = |part| decode(part).and_then(|bytes| String::from_utf8(bytes).ok());
    Ok((decoded(user).ok_or(BAD_ESCAPE)?, decoded(password).ok_or(BAD_ESCAPE)?))
}

/// `text` with its percent-encoded bytes (RFC 3986, 2.1) decoded.
fn decode(text: &str) -> Option<Vec<u8>> {
    let (mut decoded, mut bytes) = (Vec::with_capacity(text.len()), text.bytes());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => digit(bytes.next()?)? * 16 + digit(bytes.next()?)?,
            byte => byte,
        });
    }
    Some(decoded)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte).to_digit(16).and_then(|digit| digit.try_into().ok())
}

impl Url {
    /// What `Host` names (RFC 9112, 3.2).
    pub(crate) fn host(&self) -> String {
        match (self.scheme, &self.place) {
            (Scheme::Http, Place::Host(name, 80)) | (Scheme::Https, Place::Host(name, 443)) => {
                bracketed(name)
            }
            _ => self.authority(),
        }
    }

    /// The host with its port, in any case.
    pub(crate) fn authority(&self) -> String {
        match &self.place {
            Place::Host(name, port) => format!("{}:{port}", bracketed(name)),
            Place::Unix(_) => "localhost".to_owned(),
        }
    }
}

fn bracketed(name: &str) -> String {
    if name.contains(':') { format!("[{name}]") } else { name.to_owned() }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
            Scheme::Scgi => "scgi",
        })?;
        match &self.place {
            Place::Host(..) => {
                // What is asked for behind the path may be a token.
                let query = if self.path.query().is_some() { "?..." } else { "" };
                write!(f, "://{}{}{query}", self.host(), self.path.path())
            }
            // The path that the server is asked for is left out: the socket is what names it.
            Place::Unix(socket) => write!(f, "+unix://{}", socket.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Url {
        parse(text).unwrap_or_else(|expected| panic!("{text}: {expected}")).0
    }

    #[test]
    fn each_kind_is_taken_apart() {
        let check = |text: &str, scheme, place, path: &str| {
            let path = path.parse().unwrap();
            assert_eq!(parsed(text), Url { scheme, place, path }, "{text}");
        };
        let host = |name: &str, port| Place::Host(name.to_owned(), port);
        let unix = |path: &str| Place::Unix(path.into());
        check("http://localhost", Scheme::Http, host("localhost", 80), "/RPC2");
        check("HTTP://a-b.example:8080/", Scheme::Http, host("a-b.example", 8080), "/");
        check("http://10.0.0.1?a=b", Scheme::Http, host("10.0.0.1", 80), "/RPC2?a=b");
        check("https://[::1]:8443/x/y?z", Scheme::Https, host("::1", 8443), "/x/y?z");
        check("https://[::1]", Scheme::Https, host("::1", 443), "/RPC2");
        check("scgi://rtorrent:5000", Scheme::Scgi, host("rtorrent", 5000), "/RPC2");
        check("scgi://rtorrent:5000/x", Scheme::Scgi, host("rtorrent", 5000), "/x");
        check("scgi+unix:///run/r.sock", Scheme::Scgi, unix("/run/r.sock"), "/RPC2");
        check("scgi+unix:///run/a%20b%25", Scheme::Scgi, unix("/run/a b%"), "/RPC2");
        check("http+unix:///run/s.sock", Scheme::Http, unix("/run/s.sock"), "/RPC2");
        check("http+unix://%2Frun%2fs.sock", Scheme::Http, unix("/run/s.sock"), "/RPC2");
        check("http+unix://%2Frun%2Fs.sock/a?b", Scheme::Http, unix("/run/s.sock"), "/a?b");
    }

    #[test]
    fn user_and_password_are_taken_out() {
        let check = |text: &str, user: &str, password: &str| {
            let (url, user_info) = parse(text).unwrap();
            assert_eq!(user_info, Some((user.to_owned(), password.to_owned())), "{text}");
            assert!(!url.to_string().contains(user), "{url}");
            assert!(!format!("{url:?}").contains(user), "{url:?}");
        };
        check("http://ana:secret@host/", "ana", "secret");
        check("https://ana@host/", "ana", "");
        check("http://ana:s%40e%3Ac%2Fret@host/", "ana", "s@e:c/ret");
        check("http://ana:a@b@host", "ana", "a@b");
        check("http+unix://ana:secret@/run/s.sock", "ana", "secret");
        check("scgi://k%C3%A4the:x@host:1", "käthe", "x");
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused() {
        let bad = [
            "",
            "localhost:80",
            "ftp://host/",
            "https+unix:///run/x",
            "http://",
            "http:///RPC2",
            "http://ho st/",
            "http://höst/",
            "http://host/a b",
            "http://host/\r\nX: y",
            "http://host/#x",
            "http://host:0/",
            "http://host:/",
            "http://host:65536/",
            "http://host:+80/",
            "http://[::1]:+80/",
            "http://host:http/",
            "http://::1/",
            "http://[::1/",
            "http://[::1]x/",
            "http://[::1%25eth0]/",
            "http://ana:%zz@host/",
            "http://ana:%ff@host/",
            "scgi://host",
            "scgi+unix://",
            "scgi+unix://relative",
            "http+unix://run%2Fx.sock/",
            "http+unix:///run/x%00",
            "http+unix:///run/x.sock?a",
        ];
        for text in bad {
            assert!(parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn refusal_shows_nothing_of_the_url() {
        for text in ["http://ana:secret@ho st/", "secret", "http://ana:secret%@host", "x://secret"]
        {
            assert!(!parse(text).unwrap_err().contains("secret"), "{text}");
        }
    }

    #[test]
    fn url_is_shown_without_what_may_be_secret() {
        let check = |text: &str, expected: &str| assert_eq!(parsed(text).to_string(), expected);
        check("http://ana:secret@host", "http://host/RPC2");
        check("https://[::1]:443/x", "https://[::1]/x");
        check("https://host:8443/x?token=secret", "https://host:8443/x?...");
        check("scgi://host:5000", "scgi://host:5000/RPC2");
        check("http+unix://%2Frun%2Fs.sock", "http+unix:///run/s.sock");
    }
}
