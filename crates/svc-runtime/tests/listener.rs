//! Where listeners listen, and what becomes of the files of Unix sockets.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "support/directory.rs"]
mod directory;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net as blocking;
use std::path::Path;

use directory::Directory;
use svc_runtime::address::{Bound, ListenAddr};
use svc_runtime::listener::{ListenError, Listener, bind_all};
use tokio::net::UnixStream;

async fn bind(addr: impl Into<ListenAddr>) -> Result<Vec<Listener>, ListenError> {
    bind_all("test", &[addr.into()], 0o640).await
}

async fn bind_unix(path: &Path) -> Result<Vec<Listener>, ListenError> {
    bind(ListenAddr::Unix(path.to_owned())).await
}

/// What the refusal says.
#[track_caller]
fn refused(bound: Result<Vec<Listener>, ListenError>) -> (bool, String) {
    match bound {
        Ok(_) => panic!("it listens"),
        Err(error) => (error.is_setting(), error.to_string()),
    }
}

#[tokio::test]
async fn each_address_of_a_name_is_listened_on() {
    let listeners = bind(ListenAddr::Host("localhost".into(), 0)).await.unwrap();
    assert!(!listeners.is_empty());
    for listener in &listeners {
        let Bound::Inet(addr) = listener.addr().unwrap() else { panic!("no address") };
        assert!(addr.ip().is_loopback() && addr.port() != 0, "{addr}");
        tokio::net::TcpStream::connect(addr).await.unwrap();
    }
    let (is_setting, line) = refused(bind(ListenAddr::Host("name.invalid".into(), 1)).await);
    assert!(!is_setting && line.starts_with("cannot listen on name.invalid:1: "), "{line}");
}

#[tokio::test]
async fn port_of_a_name_that_is_in_use_is_refused() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let (is_setting, line) = refused(bind(ListenAddr::Host("localhost".into(), port)).await);
    assert!(!is_setting && line.contains("in use"), "{line}");
}

#[tokio::test]
async fn many_connections_may_wait_in_the_kernel() {
    let limit = fs::read_to_string("/proc/sys/net/core/somaxconn").unwrap();
    let limit = limit.trim().parse().unwrap_or(0).min(svc_runtime::listener::MAX_WAITING);
    let listeners = bind("127.0.0.1:0".parse::<ListenAddr>().unwrap()).await.unwrap();
    let Bound::Inet(addr) = listeners[0].addr().unwrap() else { panic!("no address") };
    // tcp(7): of a listener the queue's limit stands where sent bytes do elsewhere.
    let shown = std::process::Command::new("ss").args(["-ltnH"]).output();
    let Ok(shown) = shown else { return };
    let shown = String::from_utf8(shown.stdout).unwrap();
    let line = shown.lines().find(|line| line.contains(&addr.to_string())).unwrap();
    assert_eq!(line.split_whitespace().nth(2).unwrap(), limit.to_string(), "{line}");
}

#[tokio::test]
async fn unix_socket_has_its_mode_and_its_file_goes_with_it() {
    let directory = Directory::new("mode");
    let path = directory.path("socket");
    let listeners = bind_unix(&path).await.unwrap();
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o640);
    assert_eq!(listeners[0].addr().unwrap().to_string(), format!("unix:{}", path.display()));
    UnixStream::connect(&path).await.unwrap();
    drop(listeners);
    assert!(!path.exists());
}

#[tokio::test]
async fn stale_socket_is_replaced_and_one_in_use_is_not() {
    let directory = Directory::new("stale");
    let path = directory.path("socket");
    drop(blocking::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let listeners = bind_unix(&path).await.unwrap();
    UnixStream::connect(&path).await.unwrap();
    let (is_setting, line) = refused(bind_unix(&path).await);
    assert!(!is_setting && line.contains("in use"), "{line}");
    UnixStream::connect(&path).await.unwrap();
    drop(listeners);
}

#[tokio::test]
async fn socket_in_use_whose_queue_is_full_is_not_replaced() {
    let directory = Directory::new("busy");
    let path = directory.path("socket");
    let busy = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None).unwrap();
    let addr = socket2::SockAddr::unix(&path).unwrap();
    busy.bind(&addr).unwrap();
    busy.listen(0).unwrap();
    let _queued = blocking::UnixStream::connect(&path).unwrap();
    let (_, line) = refused(bind_unix(&path).await);
    assert!(line.contains("in use"), "{line}");
}

#[tokio::test]
async fn file_that_is_no_socket_stays_as_it_is() {
    let directory = Directory::new("regular");
    let path = directory.path("file");
    fs::write(&path, "mine").unwrap();
    let (_, line) = refused(bind_unix(&path).await);
    assert!(line.contains("no socket"), "{line}");
    assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    let link = directory.path("link");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    refused(bind_unix(&link).await);
    assert_eq!(fs::read_link(&link).unwrap(), path);
}

#[tokio::test]
async fn file_that_is_not_ours_any_more_stays() {
    let directory = Directory::new("taken-over");
    let path = directory.path("socket");
    let listeners = bind_unix(&path).await.unwrap();
    fs::remove_file(&path).unwrap();
    let next = bind_unix(&path).await.unwrap();
    drop(listeners);
    UnixStream::connect(&path).await.unwrap();
    drop(next);
    assert!(!path.exists());
}

#[tokio::test]
async fn path_that_no_socket_can_have_is_a_bad_setting() {
    let directory = Directory::new("long");
    let (is_setting, line) = refused(bind_unix(&directory.path(&"x".repeat(108))).await);
    assert!(is_setting && line.starts_with("cannot listen on unix:/"), "{line}");
    let (is_setting, line) = refused(bind_unix(&directory.path("missing/socket")).await);
    assert!(!is_setting && line.contains("No such file or directory"), "{line}");
}

#[tokio::test]
async fn nothing_is_inherited_where_nothing_was_passed_on() {
    for name in [None, Some("web".to_owned())] {
        let (is_setting, line) = refused(bind(ListenAddr::Inherit(name)).await);
        assert!(is_setting && line.contains("LISTEN_FDS"), "{line}");
    }
}
