//! A proxy for HTTP (RFC 9110, 3.7), and which one the environment names for a server.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::login::Login;
use super::url::{self, Place, Scheme, Url};

/// By what way a server is reached.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Way {
    /// Straight.
    #[default]
    Direct,
    /// By the proxy that `HTTP_PROXY` or `HTTPS_PROXY` names, in small letters too, unless `NO_PROXY`
    /// has the server or it is on this machine.
    Environment,
    /// By this proxy.
    Proxy(Proxy),
}

/// A proxy for HTTP. Nothing shows its login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    pub(crate) name: String,
    pub(crate) port: u16,
    pub(crate) login: Option<Login>,
}

impl Way {
    /// The proxy by which the server at `url` is reached, if any, where `variable` reads the
    /// environment.
    pub(crate) fn proxy(
        &self,
        url: &Url,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Proxy>, BadProxy> {
        match self {
            Self::Direct => Ok(None),
            Self::Proxy(proxy) => Ok(Some(proxy.clone())),
            Self::Environment => of_environment(url, variable),
        }
    }
}

fn of_environment(
    url: &Url,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<Option<Proxy>, BadProxy> {
    let Place::Host(name, port) = &url.place else { return Ok(None) };
    let either = |name: &str| {
        let found = variable(name).or_else(|| variable(&name.to_ascii_uppercase()));
        found.filter(|value| !value.trim().is_empty())
    };
    let found = match url.scheme {
        Scheme::Scgi => None,
        Scheme::Https => either("https_proxy"),
        // What a CGI program finds there in capitals is a header of its caller's.
        Scheme::Http if variable("REQUEST_METHOD").is_some() => variable("http_proxy"),
        Scheme::Http => either("http_proxy"),
    };
    let Some(found) = found.filter(|_| !is_here(name)) else { return Ok(None) };
    let exceptions = either("no_proxy").unwrap_or_default();
    if exceptions.split([',', ' ']).any(|exception| is_excepted(name, *port, exception)) {
        return Ok(None);
    }
    found.trim().parse().map(Some)
}

/// Whether a name is this machine's own.
fn is_here(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let is_local = name == "localhost" || name.ends_with(".localhost");
    is_local || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether an entry of `NO_PROXY` is for a server: `*`, an address, or a domain with all below it;
/// with a port for that port alone.
fn is_excepted(name: &str, port: u16, exception: &str) -> bool {
    let (domain, own_port) = match exception.rsplit_once(':') {
        Some((domain, own)) if !domain.contains(':') || domain.ends_with(']') => {
            (domain, Some(own))
        }
        _ => (exception, None),
    };
    if own_port.is_some_and(|own| own.parse() != Ok(port)) {
        return false;
    }
    let domain = domain.trim_start_matches("*.").trim_matches(['.', '[', ']']).to_ascii_lowercase();
    let name = name.trim_end_matches('.').to_ascii_lowercase();
    let is_below = || name.strip_suffix(&domain).is_some_and(|rest| rest.ends_with('.'));
    domain == "*" || (!domain.is_empty() && (name == domain || is_below()))
}

impl FromStr for Proxy {
    type Err = BadProxy;

    /// `http://HOST:PORT`, with or without the scheme, a user and a password.
    fn from_str(text: &str) -> Result<Self, BadProxy> {
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let (url, user_info) = url::parse(&whole).map_err(|_| BadProxy)?;
        let (Scheme::Http, Place::Host(name, port)) = (url.scheme, url.place) else {
            return Err(BadProxy);
        };
        let login = user_info.map(|(user, password)| Login::basic(&user, &password));
        Ok(Self { name, port, login: login.transpose().map_err(|_| BadProxy)? })
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.name, self.port)
    }
}

/// A text names no proxy. It is not shown here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadProxy;

impl fmt::Display for BadProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a proxy as http://HOST:PORT")
    }
}

impl std::error::Error for BadProxy {}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(url: &str, variables: &[(&str, &str)]) -> Option<String> {
        let (url, _) = url::parse(url).unwrap();
        let variable = |name: &str| {
            let found = variables.iter().find(|(own, _)| *own == name);
            found.map(|(_, value)| (*value).to_owned())
        };
        let proxy = Way::Environment.proxy(&url, variable).unwrap();
        proxy.map(|proxy| proxy.to_string())
    }

    #[test]
    fn environment_names_a_proxy_by_scheme() {
        let both = [("HTTP_PROXY", "http://a:1"), ("https_proxy", "b:2")];
        let check = |url, expected: Option<&str>| {
            assert_eq!(found(url, &both).as_deref(), expected, "{url}");
        };
        check("http://example.org", Some("a:1"));
        check("https://example.org", Some("b:2"));
        check("http://localhost:1", None);
        check("http://x.localhost", None);
        check("https://127.0.0.9", None);
        check("https://[::1]", None);
        check("scgi://example.org:1", None);
        check("http+unix:///run/x.sock", None);
        assert_eq!(found("http://example.org", &[("http_proxy", " ")]), None);
    }

    #[test]
    fn caller_of_a_cgi_program_names_no_proxy() {
        let hostile = [("HTTP_PROXY", "evil:1"), ("REQUEST_METHOD", "POST")];
        assert_eq!(found("http://example.org", &hostile), None);
    }

    #[test]
    fn exceptions_are_domains_and_addresses() {
        let check = |exceptions, url, is_proxied| {
            let variables = [("http_proxy", "a:1"), ("NO_PROXY", exceptions)];
            assert_eq!(found(url, &variables).is_some(), is_proxied, "{exceptions} {url}");
        };
        check("*", "http://example.org", false);
        check("example.org", "http://EXAMPLE.org", false);
        check("example.org", "http://a.example.org", false);
        check(".example.org", "http://a.example.org", false);
        check("*.example.org", "http://a.example.org", false);
        check("example.org", "http://badexample.org", true);
        check("a.example.org", "http://example.org", true);
        check("x, 10.0.0.1", "http://10.0.0.1", false);
        check("10.0.0.1", "http://10.0.0.11", true);
        check("fe80::1", "http://[fe80::1]", false);
        check("[fe80::1]:80", "http://[fe80::1]", false);
        check("example.org:80", "http://example.org", false);
        check("example.org:81", "http://example.org", true);
        check(",", "http://example.org", true);
    }

    #[test]
    fn proxy_is_a_host_with_a_port() {
        let check = |text: &str, expected: Option<&str>| {
            let parsed = text.parse::<Proxy>().ok().map(|proxy| proxy.to_string());
            assert_eq!(parsed.as_deref(), expected, "{text}");
        };
        check("http://ana:secret@proxy:3128/", Some("proxy:3128"));
        check("proxy:3128", Some("proxy:3128"));
        check("proxy", Some("proxy:80"));
        check("socks5://proxy:1", None);
        check("https://proxy:1", None);
        check("http+unix:///run/x", None);
        check("", None);
        let proxy: Proxy = "http://ana:secret@proxy:3128".parse().unwrap();
        assert!(proxy.login.is_some() && !format!("{proxy:?}").contains("secret"));
    }
}
