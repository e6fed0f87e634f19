//! A real server on port 0 with methods of the test's own, and a client that sends raw bytes.
#![allow(dead_code)]

use std::net::SocketAddr;

use callbox::{Array, Fault, PeerLimits, Registry, Server, Settings, Struct, Value};
use protocol::xmlrpc::{Limits, MethodResponse, decode_response};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

/// The limits as they are by default.
pub(crate) const DEFAULTS: fn(&mut PeerLimits) = |_| ();

/// Serves `registry` until the test's runtime ends, within limits that `limit` changes.
pub(crate) async fn start(registry: Registry, limit: impl FnOnce(&mut PeerLimits)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let mut settings = Settings::default();
    limit(&mut settings.limits);
    let server = Server::new(registry).settings(settings).listener(listener);
    tokio::spawn(server.run(std::future::pending()));
    addr
}

/// Methods with more than one signature.
pub(crate) fn arithmetic() -> Registry {
    let mut registry = Registry::new();
    registry
        .add("addition", "Adds two numbers, or joins two strings.", |a: i64, b: i64| {
            a.checked_add(b).ok_or_else(|| Fault::application("the result is beyond 64 bits"))
        })
        .or(|a: f64, b: f64| a + b)
        .or(|a: String, b: String| a + &b)
        .names(["a", "b"]);
    registry
        .add("subtraction", "Subtracts the second number from the first.", |a: i64, b: i64| {
            a.checked_sub(b).ok_or("the result is beyond 64 bits")
        })
        .or(|a: f64, b: f64| a - b);
    registry
}

/// One response as it came over the wire.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The value of the header `name`, given in lower case.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let fields = self.head.lines().filter_map(|line| line.split_once(": "));
        fields.filter(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value).next()
    }

    /// The result in the body: the value, or the fault's code and text.
    #[track_caller]
    pub(crate) fn result(&self) -> Result<Value, (i32, String)> {
        assert_eq!(self.status, 200, "{self:?}");
        match decode_response(&self.body, None, &Limits::default()).unwrap() {
            MethodResponse::Success(value) => Ok(value),
            MethodResponse::Fault(fault) => Err((fault.code, fault.message)),
        }
    }
}

/// A connection that sends what it is told to.
pub(crate) struct Client(BufReader<TcpStream>);

impl From<TcpStream> for Client {
    fn from(stream: TcpStream) -> Self {
        Self(BufReader::new(stream))
    }
}

impl Client {
    pub(crate) async fn connect(addr: SocketAddr) -> Self {
        TcpStream::connect(addr).await.unwrap().into()
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.0.get_ref().local_addr().unwrap()
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    pub(crate) async fn shut_down(&mut self) {
        self.0.shutdown().await.unwrap();
    }

    /// Leaves by a reset, so that no answer reaches it.
    pub(crate) fn reset(self) {
        self.0.into_inner().set_zero_linger().unwrap();
    }

    pub(crate) async fn receive(&mut self) -> Response {
        let mut response = self.receive_head().await;
        let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
        response.body.resize(length, 0);
        self.0.read_exact(&mut response.body).await.unwrap();
        response
    }

    pub(crate) async fn receive_head(&mut self) -> Response {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            assert_ne!(
                self.0.read_line(&mut head).await.unwrap(),
                0,
                "the stream ended in the head: {head:?}"
            );
        }
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Response { status, head, body: Vec::new() }
    }

    /// Whether the service ended the stream, with nothing more to say.
    pub(crate) async fn is_ended(&mut self) -> bool {
        self.0.read(&mut [0]).await.unwrap() == 0
    }
}

/// A request with any bytes as its body.
pub(crate) fn post_bytes(path: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A request as curl would send it.
pub(crate) fn post(path: &str, headers: &str, body: &str) -> Vec<u8> {
    post_bytes(path, headers, body.as_bytes())
}

/// The document of a call; each of `params` is what stands in a `value`.
pub(crate) fn call(method: &str, params: &[&str]) -> String {
    let params: String =
        params.iter().map(|param| format!("<param><value>{param}</value></param>")).collect();
    format!(
        "<?xml version=\"1.0\"?><methodCall><methodName>{method}</methodName><params>{params}</params></methodCall>"
    )
}

/// Sends `bytes` on a new connection and gives back the first response.
pub(crate) async fn exchange(addr: SocketAddr, bytes: &[u8]) -> Response {
    let mut client = Client::connect(addr).await;
    client.send(bytes).await;
    client.receive().await
}

/// Makes one call on a new connection.
pub(crate) async fn ask(
    addr: SocketAddr,
    method: &str,
    params: &[&str],
) -> Result<Value, (i32, String)> {
    exchange(addr, &post("/", "Content-Type: text/xml\r\n", &call(method, params))).await.result()
}

/// An array of values.
pub(crate) fn array<T: Into<Value>>(values: impl IntoIterator<Item = T>) -> Value {
    let values: Vec<Value> = values.into_iter().map(Into::into).collect();
    Array::try_from(values).unwrap().into()
}

/// An entry of a multicall; `params` are values.
pub(crate) fn entry(method: &str, params: &str) -> String {
    format!(
        "<value><struct><member><name>methodName</name><value>{method}</value></member>\
         <member><name>params</name><value><array><data>{params}</data></array></value></member></struct></value>"
    )
}

/// Makes several calls in one.
pub(crate) async fn multicall(
    addr: SocketAddr,
    entries: &[String],
) -> Result<Value, (i32, String)> {
    ask(addr, "system.multicall", &[&format!("<array><data>{}</data></array>", entries.concat())])
        .await
}

/// A fault as the entry of a multicall.
pub(crate) fn fault(code: i32, text: &str) -> Value {
    let members =
        vec![("faultCode".to_owned(), code.into()), ("faultString".to_owned(), text.into())];
    Struct::from_members(members).unwrap().into()
}
