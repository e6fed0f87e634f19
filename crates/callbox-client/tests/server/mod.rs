//! Servers that do as they are told, on real sockets.
#![allow(dead_code)]

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use callbox_client::transport::{Connection, Endpoint, EndpointSettings, Error, Request, Response};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

/// Longest wait for what is bound to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Longest answer that is read where a test does not say.
pub(crate) const MAX_BYTES: usize = 1024 * 1024;

pub(crate) const DOCUMENT: &str = "<methodCall/>";
pub(crate) const ANSWER: &[u8] = b"<methodResponse/>";

/// What a server does when it has answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Close,
    Stay,
}

/// A server, and the requests that it has read, as they came.
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// On each connection it reads a request before each of `answers`, and does `then`.
    pub(crate) async fn start(answers: &[&[u8]], then: Then) -> Self {
        let answers: Arc<[Vec<u8>]> = answers.iter().map(|answer| answer.to_vec()).collect();
        let heard = Arc::new(Mutex::new(Vec::new()));
        let all = heard.clone();
        let addr = accept(move |mut stream| {
            let (answers, heard) = (answers.clone(), all.clone());
            async move {
                for answer in answers.iter() {
                    let Some(request) = read_request(&mut stream).await else { return };
                    heard.lock().unwrap().push(request);
                    let _ = stream.write_all(answer).await;
                }
                if then == Then::Stay {
                    wait_for_end(&mut stream).await;
                }
            }
        });
        Self { addr: addr.await, heard }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/RPC2", self.addr)
    }

    pub(crate) fn scgi_url(&self) -> String {
        format!("scgi://{}", self.addr)
    }

    pub(crate) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// Listens, and talks with each peer in a task of its own.
pub(crate) async fn accept<T, F>(talk: T) -> SocketAddr
where
    T: Fn(TcpStream) -> F + Send + 'static,
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(talk(stream));
        }
    });
    addr
}

/// Reads one request whole, of HTTP with a length or of SCGI. `None` where the peer ends instead.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + Unpin)) -> Option<String> {
    let mut bytes = Vec::new();
    while !is_whole(&String::from_utf8_lossy(&bytes)) {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    Some(String::from_utf8(bytes).unwrap())
}

fn is_whole(text: &str) -> bool {
    if text.starts_with("POST ") {
        let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
        let length = head.lines().find_map(|line| line.strip_prefix("Content-Length: "));
        return body.len() == length.unwrap().parse::<usize>().unwrap();
    }
    let Some((length, rest)) = text.split_once(':') else { return false };
    let head: usize = length.parse().unwrap();
    let Some(body) = rest.get(head + 1..) else { return false };
    let length = rest.strip_prefix("CONTENT_LENGTH\0").unwrap().split('\0').next();
    body.len() == length.unwrap().parse::<usize>().unwrap()
}

/// Waits until the peer has ended the connection.
pub(crate) async fn wait_for_end(stream: &mut TcpStream) {
    while stream.read(&mut [0; 1_024]).await.is_ok_and(|read| read > 0) {}
}

pub(crate) fn endpoint(url: &str) -> Endpoint {
    url.parse().unwrap_or_else(|error| panic!("{url}: {error}"))
}

pub(crate) fn gzip_endpoint(url: &str) -> Endpoint {
    let settings = EndpointSettings { takes_gzip: true, ..EndpointSettings::default() };
    Endpoint::new(url, &settings).unwrap()
}

pub(crate) async fn connect(url: &str) -> Connection {
    connected(&endpoint(url)).await
}

pub(crate) async fn connected(endpoint: &Endpoint) -> Connection {
    endpoint.connect(PATIENCE).await.unwrap()
}

/// Sends [`DOCUMENT`] and reads the answer.
pub(crate) async fn ask(connection: &mut Connection) -> Result<Response, Error> {
    let request = Request::new(DOCUMENT);
    timeout(PATIENCE, connection.post(request, MAX_BYTES)).await.expect("an end in time")
}

/// An answer of HTTP with a length.
pub(crate) fn http(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An answer of HTTP in chunks of `size`.
pub(crate) fn chunked(headers: &str, body: &[u8], size: usize) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}Transfer-Encoding: chunked\r\n\r\n");
    let mut bytes = head.into_bytes();
    for chunk in body.chunks(size) {
        bytes.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        bytes.extend_from_slice(chunk);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n\r\n");
    bytes
}

/// An answer of HTTP that ends with the connection.
pub(crate) fn until_close(headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\n{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// An answer of SCGI with a length, as rTorrent writes it.
pub(crate) fn scgi(headers: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "Status: 200 OK\r\nContent-Type: text/xml\r\n{headers}Content-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}
