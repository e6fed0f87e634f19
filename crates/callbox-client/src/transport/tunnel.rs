//! A way through a proxy to a server that is spoken to by TLS: `CONNECT` (RFC 9110, 9.3.6).

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::login::Login;
use super::message::{MAX_HEAD_BYTES, MAX_HEADERS};

/// Asks the proxy at the other end of `stream` for a way to `authority`, a host with its port.
pub(crate) async fn open(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    authority: &str,
    login: Option<&Login>,
) -> io::Result<()> {
    let mut request = format!("CONNECT {authority} HTTP/1.1\r\nHost: {authority}\r\n").into_bytes();
    if let Some(login) = login {
        request.extend_from_slice(b"Proxy-Authorization: ");
        request.extend_from_slice(login.clone().into_value().as_bytes());
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"\r\n");
    stream.write_all(&request).await?;
    match answer(stream).await? {
        200..300 => Ok(()),
        status => Err(io::Error::other(format!("the proxy refused with status {status}"))),
    }
}

/// The status of the proxy's answer. Behind a way that is open nobody speaks before us.
async fn answer(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<u16> {
    let mut head = Vec::with_capacity(512);
    while head.len() < MAX_HEAD_BYTES {
        if stream.read_buf(&mut head).await? == 0 {
            return Err(nonsense());
        }
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        match (response.parse(&head).map_err(|_| nonsense())?, response.code) {
            (httparse::Status::Partial, _) => {}
            (httparse::Status::Complete(end), Some(200..300)) if end < head.len() => break,
            (httparse::Status::Complete(_), status) => return status.ok_or_else(nonsense),
        }
    }
    Err(nonsense())
}

fn nonsense() -> io::Error {
    io::Error::other("the proxy's reply is not of HTTP")
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn opened(answer: &[u8]) -> (String, Result<(), String>) {
        let (mut ours, mut theirs) = tokio::io::duplex(4 * MAX_HEAD_BYTES);
        theirs.write_all(answer).await.unwrap();
        theirs.shutdown().await.unwrap();
        let login = Login::basic("ana", "secret").unwrap();
        let opened = open(&mut ours, "host:443", Some(&login)).await;
        drop(ours);
        let mut heard = String::new();
        theirs.read_to_string(&mut heard).await.unwrap();
        (heard, opened.map_err(|error| error.to_string()))
    }

    #[tokio::test]
    async fn way_is_asked_for_by_name_and_with_a_login() {
        let (heard, opened) = opened(b"HTTP/1.0 200 Connection established\r\n\r\n").await;
        assert_eq!(
            heard,
            "CONNECT host:443 HTTP/1.1\r\nHost: host:443\r\n\
             Proxy-Authorization: Basic YW5hOnNlY3JldA==\r\n\r\n"
        );
        assert_eq!(opened, Ok(()));
    }

    #[tokio::test]
    async fn refusal_and_nonsense_are_told() {
        let check = async |answer: &[u8], expected: &str| {
            let (_, opened) = opened(answer).await;
            assert!(opened.unwrap_err().contains(expected), "{expected}");
        };
        check(b"HTTP/1.1 407 Who?\r\nContent-Length: 4\r\n\r\nbody", "status 407").await;
        check(b"HTTP/1.1 200 OK\r\n\r\nrest", "not of HTTP").await;
        check(b"SSH-2.0-x\r\n", "not of HTTP").await;
        check(b"HTTP/1.1 200 OK\r\n", "not of HTTP").await;
        check(b"", "not of HTTP").await;
        let long = [b"HTTP/1.1 200 OK\r\nA: ", &vec![b'x'; 2 * MAX_HEAD_BYTES][..]].concat();
        check(&long, "not of HTTP").await;
    }
}
