//! Whom callers prove to be, and what a reload changes.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::failures::MAX_FAILURES;
use super::*;
use crate::registry::Peer;

const ANYONE: &str = "[anyone]\nmethods = []\n";

/// A file that is there as long as this is.
struct TempFile(PathBuf);

impl TempFile {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("callbox-{}-{name}.toml", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    fn write(&self, text: &str) {
        fs::write(&self.0, text).unwrap();
    }
}

impl Drop for TempFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The accounts ana and bob with these passwords, a token `abc` and a certificate.
fn text(ana: &str, bob: &str) -> String {
    let hash = |password: &str| bcrypt::hash(password, *hash::COSTS.start()).unwrap();
    format!(
        "[user.ana]\npassword = \"{}\"\nmethods = []\n[user.bob]\npassword = \"{}\"\nmethods = []\n\
         [token.ci]\nsha256 = \"{}\"\nmethods = []\n[certificate.\"CN=robot\"]\nmethods = []\n",
        hash(ana),
        hash(bob),
        digest::Digest::of(b"abc").to_hex()
    )
}

fn read(path: &Path) -> Accounts {
    Accounts::read(path.to_owned(), MEMORY).unwrap()
}

fn from(addr: &str, certificate: Option<&str>) -> Connection {
    let addr: SocketAddr = addr.parse().unwrap();
    Connection { certificate: certificate.map(Arc::from), ..Connection::foreign(Peer::Inet(addr)) }
}

fn basic(login: &str) -> String {
    format!("Basic {}", STANDARD.encode(login))
}

/// The name of whom a header and a certificate prove.
async fn asked(
    accounts: &Accounts,
    header: Option<&str>,
    connection: &Connection,
) -> Result<Option<String>, Denial> {
    let mut headers = HeaderMap::new();
    if let Some(header) = header {
        headers.insert(AUTHORIZATION, HeaderValue::from_str(header).unwrap());
    }
    let identity = accounts.identify(&headers, connection).await?;
    Ok(identity.account.as_ref().map(|account| account.name.clone()))
}

/// The same for a name and a password, from one address.
async fn logged_in(accounts: &Accounts, login: &str) -> Result<Option<String>, Denial> {
    asked(accounts, Some(&basic(login)), &from("192.0.2.1:1", None)).await
}

fn named(name: &str) -> Result<Option<String>, Denial> {
    Ok(Some(name.to_owned()))
}

#[tokio::test]
async fn header_beats_a_certificate_and_wrong_ones_are_not_anyone() {
    let file = TempFile::new("header", &(text("secret", "other") + ANYONE));
    let accounts = read(&file.0);
    let check = async |header: Option<&str>, certificate: Option<&str>, expected| {
        let found = asked(&accounts, header, &from("192.0.2.1:1", certificate)).await;
        assert_eq!(found, expected, "{header:?} {certificate:?}");
    };
    let (ana, wrong) = (basic("ana:secret"), basic("ana:Secret"));
    for certificate in [None, Some("CN=robot"), Some("CN=other")] {
        check(Some(&ana), certificate, named("ana")).await;
        check(Some("Bearer abc"), certificate, named("ci")).await;
        check(Some(&wrong), certificate, Err(Denial::Unproven)).await;
        check(Some("Bearer abd"), certificate, Err(Denial::Unproven)).await;
        check(Some("Digest a=b"), certificate, Err(Denial::Unproven)).await;
        check(Some(""), certificate, Err(Denial::Unproven)).await;
    }
    check(None, Some("CN=robot"), named("CN=robot")).await;
    check(None, Some("CN=other"), Ok(None)).await;
    check(None, None, Ok(None)).await;
}

#[tokio::test]
async fn who_says_nothing_is_refused_where_nothing_is_said_of_anyone() {
    let file = TempFile::new("nothing", &text("secret", "other"));
    let accounts = read(&file.0);
    for certificate in [None, Some("CN=other")] {
        let found = asked(&accounts, None, &from("192.0.2.1:1", certificate)).await;
        assert_eq!(found, Err(Denial::Unproven));
    }
}

#[tokio::test]
async fn failures_of_a_pair_hold_up_neither_others_nor_what_is_remembered() {
    let file = TempFile::new("failures", &text("secret", "other"));
    let accounts = read(&file.0);
    let ana = basic("ana:secret");
    // Of another address, and remembered.
    assert_eq!(asked(&accounts, Some(&ana), &from("[2001:db8::1]:1", None)).await, named("ana"));
    let same_network = from("[2001:db8::2]:1", None);
    for _ in 0..MAX_FAILURES {
        let wrong = asked(&accounts, Some(&basic("bob:secret")), &same_network).await;
        assert_eq!(wrong, Err(Denial::Unproven));
    }
    let held_up = asked(&accounts, Some(&basic("bob:other")), &same_network).await;
    assert!(matches!(held_up, Err(Denial::TooManyFailures(1..))), "{held_up:?}");
    assert_eq!(asked(&accounts, Some(&ana), &same_network).await, named("ana"));
    assert_eq!(asked(&accounts, Some("Bearer abc"), &same_network).await, named("ci"));
    let robot = from("[2001:db8::2]:1", Some("CN=robot"));
    assert_eq!(asked(&accounts, None, &robot).await, named("CN=robot"));
    assert_eq!(logged_in(&accounts, "bob:other").await, named("bob"));
}

#[tokio::test]
async fn failures_behind_a_proxy_are_those_of_whom_it_calls_for() {
    let file = TempFile::new("proxy", &text("secret", "other"));
    let accounts = read(&file.0);
    let proxy = from("10.0.0.1:1", None).trusting(["10.0.0.0/8".parse().unwrap()].into());
    let log_in = async |caller: &'static str, login: &str| {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, HeaderValue::from_str(&basic(login)).unwrap());
        headers.insert("x-forwarded-for", HeaderValue::from_static(caller));
        accounts.identify(&headers, &proxy).await.map(drop)
    };
    for _ in 0..MAX_FAILURES {
        assert_eq!(log_in("192.0.2.1", "ana:wrong").await, Err(Denial::Unproven));
    }
    let held_up = log_in("192.0.2.1", "ana:secret").await;
    assert!(matches!(held_up, Err(Denial::TooManyFailures(_))), "{held_up:?}");
    assert_eq!(log_in("192.0.2.2", "ana:secret").await, Ok(()));
}

#[tokio::test]
async fn success_ends_the_row_of_failures() {
    let file = TempFile::new("success", &text("secret", "other"));
    let accounts = read(&file.0);
    for _ in 0..2 {
        for _ in 1..MAX_FAILURES {
            assert_eq!(logged_in(&accounts, "ana:Secret").await, Err(Denial::Unproven));
        }
        assert_eq!(logged_in(&accounts, "ana:secret").await, named("ana"));
        // What is remembered is forgotten, so that the next success is one of a hash.
        accounts.reload().unwrap();
    }
}

#[tokio::test]
async fn password_that_nobody_can_have_is_neither_hashed_nor_counted() {
    let longest = "a".repeat(hash::MAX_PASSWORD_BYTES);
    let file = TempFile::new("long", &text(&longest, "other"));
    let accounts = read(&file.0);
    for _ in 0..=MAX_FAILURES {
        for login in [format!("ana:{longest}b"), "ana:a\0".to_owned()] {
            assert_eq!(logged_in(&accounts, &login).await, Err(Denial::Unproven));
        }
    }
    assert_eq!(logged_in(&accounts, &format!("ana:{longest}")).await, named("ana"));
}

#[tokio::test]
async fn reload_takes_all_or_nothing_and_forgets_passwords_but_no_failures() {
    let file = TempFile::new("reload", &text("secret", "other"));
    let accounts = read(&file.0);
    assert_eq!(logged_in(&accounts, "ana:secret").await, named("ana"));
    for _ in 0..MAX_FAILURES {
        assert_eq!(logged_in(&accounts, "bob:Other").await, Err(Denial::Unproven));
    }
    file.write(&(text("changed", "other") + "[token]\nci = 1\n"));
    let error = accounts.reload().unwrap_err().to_string();
    assert!(error.starts_with(&format!("{}:", file.0.display())), "{error}");
    assert_eq!(logged_in(&accounts, "ana:secret").await, named("ana"));
    assert_eq!(logged_in(&accounts, "ana:changed").await, Err(Denial::Unproven));

    file.write(&text("changed", "other"));
    accounts.reload().unwrap();
    assert_eq!(logged_in(&accounts, "ana:secret").await, Err(Denial::Unproven));
    assert_eq!(logged_in(&accounts, "ana:changed").await, named("ana"));
    let held_up = logged_in(&accounts, "bob:other").await;
    assert!(matches!(held_up, Err(Denial::TooManyFailures(_))), "{held_up:?}");
}

#[tokio::test]
async fn password_is_warned_of_where_others_can_read_along() {
    let file = TempFile::new("open", &(text("secret", "other") + ANYONE));
    let accounts = read(&file.0);
    let ana = basic("ana:secret");
    let check = async |header: &str, connection: Connection, is_told| {
        assert!(asked(&accounts, Some(header), &connection).await.is_ok());
        assert_eq!(accounts.told_of_listeners.is_completed(), is_told, "{connection:?}");
    };
    let open = Connection { listener: Some("xmlrpc"), ..from("192.0.2.1:1", None) };
    let private = Connection { secrecy: Secrecy::Private, ..open.clone() };
    check(&ana, private, false).await;
    // Another program knows how it listens.
    check(&ana, from("192.0.2.1:1", None), false).await;
    check("Bearer abc", open.clone(), false).await;
    check(&ana, open, true).await;
}
