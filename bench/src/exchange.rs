//! One request and what it is answered with: what the load generator sends over and over.

use std::io::{self, Error, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::wire::{Carrier, Wire};

const PROBE_DEADLINE: Duration = Duration::from_secs(10);

/// Bytes to send, and how many come back each time.
#[derive(Debug, Clone)]
pub struct Exchange {
    pub request: Vec<u8>,
    pub response_bytes: usize,
    /// Calls or commands in it.
    pub calls: usize,
    pub carrier: Carrier,
}

impl Exchange {
    /// A POST of `body`. What comes back is learnt by asking once: the answer must have a length,
    /// and status 200, and be no fault.
    pub fn http(addr: SocketAddr, body: &[u8], calls: usize) -> io::Result<Exchange> {
        Exchange::post(addr, body, calls, Carrier::Socket)
    }

    /// A POST of `body` where calls are made by JSON-RPC, learnt as by [`Exchange::http`].
    pub fn json(addr: SocketAddr, body: &[u8], calls: usize) -> io::Result<Exchange> {
        let request = posted(addr, "/jsonrpc", "application/json", body);
        Exchange::learnt(addr, request, calls, Carrier::Socket)
    }

    /// As [`Exchange::http`], by TLS.
    pub fn https(addr: SocketAddr, body: &[u8], calls: usize) -> io::Result<Exchange> {
        Exchange::post(addr, body, calls, Carrier::Tls)
    }

    /// Nothing, by TLS: the handshake alone, and an end by both sides.
    pub fn handshake() -> Exchange {
        Exchange { request: Vec::new(), response_bytes: 0, calls: 1, carrier: Carrier::Tls }
    }

    pub fn is_handshake(&self) -> bool {
        self.request.is_empty()
    }

    fn post(addr: SocketAddr, body: &[u8], calls: usize, carrier: Carrier) -> io::Result<Exchange> {
        Exchange::learnt(addr, written(addr, body), calls, carrier)
    }

    fn learnt(
        addr: SocketAddr,
        request: Vec<u8>,
        calls: usize,
        carrier: Carrier,
    ) -> io::Result<Exchange> {
        let (head, answer) = answered(addr, &request, carrier)?;
        let is_fault = [&b"<fault>"[..], b"\"error\""].iter().any(|word| contains(&answer, word));
        if !head.starts_with("HTTP/1.1 200") || is_fault {
            return Err(Error::other(format!("not an answer: {head}")));
        }
        Ok(Exchange { request, response_bytes: head.len() + answer.len(), calls, carrier })
    }

    /// The same line `depth` times, whose answers must be `depth` lines of the same length.
    pub fn lines(addr: SocketAddr, line: &str, depth: usize) -> io::Result<Exchange> {
        let mut stream = ask(addr, line.as_bytes(), Carrier::Socket)?;
        let mut answer = Vec::new();
        while answer.last() != Some(&b'\n') {
            answer.push(read_byte(&mut stream)?);
        }
        let bytes = answer.len() * depth;
        let request = line.repeat(depth).into_bytes();
        Ok(Exchange { request, response_bytes: bytes, calls: depth, carrier: Carrier::Socket })
    }
}

/// What a POST of `body` is answered with, whatever that is.
pub fn body_of_answer(addr: SocketAddr, body: &[u8]) -> io::Result<Vec<u8>> {
    Ok(answered(addr, &written(addr, body), Carrier::Socket)?.1)
}

fn written(addr: SocketAddr, body: &[u8]) -> Vec<u8> {
    posted(addr, "/", "text/xml", body)
}

fn posted(addr: SocketAddr, path: &str, media_type: &str, body: &[u8]) -> Vec<u8> {
    let mut request = format!(
        "POST {path} HTTP/1.1\r\nHost: {addr}\r\nContent-Type: {media_type}\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .into_bytes();
    request.extend_from_slice(body);
    request
}

/// Head and body of the answer.
fn answered(addr: SocketAddr, request: &[u8], carrier: Carrier) -> io::Result<(String, Vec<u8>)> {
    let mut stream = ask(addr, request, carrier)?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(read_byte(&mut stream)?);
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let mut body = vec![0; content_length(&head)?];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}

fn ask(addr: SocketAddr, request: &[u8], carrier: Carrier) -> io::Result<Wire<TcpStream>> {
    let stream = TcpStream::connect(addr)?;
    stream.set_read_timeout(Some(PROBE_DEADLINE))?;
    stream.set_write_timeout(Some(PROBE_DEADLINE))?;
    let mut wire = Wire::new(stream, carrier)?;
    wire.write_all(request)?;
    Ok(wire)
}

fn read_byte(stream: &mut impl Read) -> io::Result<u8> {
    let mut byte = [0];
    stream.read_exact(&mut byte)?;
    Ok(byte[0])
}

fn content_length(head: &str) -> io::Result<usize> {
    let field = head.lines().filter_map(|line| line.split_once(':'));
    field
        .filter(|(name, _)| name.eq_ignore_ascii_case("content-length"))
        .find_map(|(_, value)| value.trim().parse().ok())
        .ok_or_else(|| Error::other("the answer does not tell its length"))
}

/// Whether `word` is somewhere in `text`.
pub fn contains(text: &[u8], word: &[u8]) -> bool {
    text.windows(word.len()).any(|window| window == word)
}
