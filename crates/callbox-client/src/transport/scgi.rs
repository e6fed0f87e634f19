//! One exchange by SCGI (<https://python.ca/scgi/protocol.txt>): a head in a netstring, the document
//! behind it, and an answer as CGI (RFC 3875, 6) has it.

use hyper::body::{Buf, Bytes};
use hyper::header::{CONTENT_TYPE, HeaderMap};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::body::Body;
use super::endpoint::Inner;
use super::error::{Error, Nonsense};
use super::message::{MAX_HEAD_BYTES, MAX_HEADERS, Request, Response};
use super::stream::Stream;

/// Bytes that are read at once, at most.
const READ_BYTES: usize = 64 * 1024;

/// Sends `request` and reads the answer into `body`.
pub(crate) async fn exchange(
    stream: &mut Stream,
    endpoint: &Inner,
    request: Request<'_>,
    body: Body<'_>,
) -> Result<Response, Error> {
    let head = request_head(
        endpoint.url.path.as_str(),
        request.body.len(),
        &request.headers(&endpoint.headers),
    );
    let mut document = Bytes::from(head).chain(request.body);
    // Who answers before all is read may have closed by now: the answer counts.
    let _ = stream.write_all_buf(&mut document).await;
    let answered = answer(stream, body).await;
    match answered {
        Err(Error::Cut) if !stream.is_read() => Err(Error::Dead { is_sent: stream.is_written() }),
        answered => answered,
    }
}

/// The head of a request: names and values, each ended by NUL, the length first.
fn request_head(path: &str, length: usize, headers: &HeaderMap) -> Vec<u8> {
    let length = length.to_string();
    let mut fields = Vec::with_capacity(256);
    let mut put = |name: &[u8], value: &[u8]| {
        for text in [name, value] {
            fields.extend_from_slice(text);
            fields.push(0);
        }
    };
    put(b"CONTENT_LENGTH", length.as_bytes());
    put(b"SCGI", b"1");
    put(b"REQUEST_METHOD", b"POST");
    put(b"REQUEST_URI", path.as_bytes());
    for (name, value) in headers {
        let prefix = if name == CONTENT_TYPE { "" } else { "HTTP_" };
        let name = name.as_str().to_ascii_uppercase().replace('-', "_");
        put(format!("{prefix}{name}").as_bytes(), value.as_bytes());
    }
    let mut head = format!("{}:", fields.len()).into_bytes();
    head.append(&mut fields);
    head.push(b',');
    head
}

async fn answer(stream: &mut Stream, body: Body<'_>) -> Result<Response, Error> {
    let mut buffer = Vec::with_capacity(4 * 1024);
    let end = read_head(stream, &mut buffer).await?;
    let head = Head::parse(&buffer[..end])?;
    let mut body = body.begin(head.coding.as_deref(), head.length)?;
    buffer.drain(..end);
    let mut left = head.length;
    loop {
        let most = left.map_or(buffer.len(), |left| {
            buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX))
        });
        body.push(&buffer[..most]).await?;
        left = left.map(|left| left - most as u64);
        if left == Some(0) {
            break;
        }
        buffer.clear();
        if read(stream, &mut buffer).await? == 0 {
            if left.is_some() {
                return Err(Error::Cut);
            }
            break;
        }
    }
    let body = body.finish()?;
    Ok(Response { status: 200, content_type: head.content_type, location: None, body })
}

async fn read(stream: &mut Stream, buffer: &mut Vec<u8>) -> Result<usize, Error> {
    let room = READ_BYTES.min(buffer.capacity().max(1_024) * 2);
    buffer.reserve(room);
    stream.read_buf(buffer).await.map_err(|_| Error::Cut)
}

/// Reads until the blank line has come that ends a head, and tells where that is.
async fn read_head(stream: &mut Stream, buffer: &mut Vec<u8>) -> Result<usize, Error> {
    let mut seen = 0;
    loop {
        if let Some(end) = end_of_head(buffer, seen) {
            return if end > MAX_HEAD_BYTES { Err(Nonsense::LongHead.into()) } else { Ok(end) };
        }
        if buffer.len() > MAX_HEAD_BYTES {
            return Err(Nonsense::LongHead.into());
        }
        // The end may stand across what has come and what comes.
        seen = buffer.len().saturating_sub(2);
        if read(stream, buffer).await? == 0 {
            return Err(Error::Cut);
        }
    }
}

/// Where the blank line ends, if it is there; nothing of it begins before `from`.
fn end_of_head(buffer: &[u8], from: usize) -> Option<usize> {
    let is_blank = |rest: &[u8]| match rest {
        [b'\n', b'\n', ..] => Some(2),
        [b'\n', b'\r', b'\n', ..] => Some(3),
        _ => None,
    };
    let blank_at = |at: usize| is_blank(&buffer[at..]).map(|length| at + length);
    // No head at all.
    match buffer {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => (from..buffer.len()).find_map(blank_at),
    }
}

/// What matters of the head of an answer.
#[derive(Debug, Default, PartialEq, Eq)]
struct Head {
    length: Option<u64>,
    coding: Option<Vec<u8>>,
    content_type: Option<String>,
}

impl Head {
    fn parse(bytes: &[u8]) -> Result<Self, Error> {
        let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let fields = match httparse::parse_headers(bytes, &mut fields) {
            Ok(httparse::Status::Complete((_, fields))) => fields,
            Err(httparse::Error::TooManyHeaders) => return Err(Nonsense::LongHead.into()),
            Ok(httparse::Status::Partial) | Err(_) => return Err(Nonsense::Framing.into()),
        };
        if fields.is_empty() {
            return Err(Nonsense::Framing.into());
        }
        let mut head = Self::default();
        for field in fields {
            head.take(field)?;
        }
        Ok(head)
    }

    fn take(&mut self, field: &httparse::Header<'_>) -> Result<(), Error> {
        match field.name.to_ascii_lowercase().as_str() {
            "status" => match status(field.value).ok_or(Nonsense::Framing)? {
                200 => {}
                status => return Err(Error::Status(status)),
            },
            "location" => return Err(Error::Status(302)),
            "content-length" => {
                let length = number(field.value).ok_or(Nonsense::Framing)?;
                if self.length.replace(length).is_some_and(|before| before != length) {
                    return Err(Nonsense::Framing.into());
                }
            }
            // Twice compressed.
            "content-encoding" if self.coding.is_some() => return Err(Nonsense::Coding.into()),
            "content-encoding" => self.coding = Some(field.value.to_owned()),
            "content-type" => {
                self.content_type = std::str::from_utf8(field.value).ok().map(str::to_owned);
            }
            _ => {}
        }
        Ok(())
    }
}

/// The number that a status begins with: `200 OK`.
fn status(value: &[u8]) -> Option<u16> {
    let value = value.trim_ascii();
    let digits = value.split(|&byte| byte == b' ').next()?;
    (digits.len() == 3).then(|| number(digits)).flatten()?.try_into().ok()
}

fn number(value: &[u8]) -> Option<u64> {
    let value = value.trim_ascii();
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    if is_number { std::str::from_utf8(value).ok()?.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::header::HeaderValue;

    #[test]
    fn head_of_a_request_is_a_netstring_that_begins_with_the_length() {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
        headers.insert("x-request-id", HeaderValue::from_static("a-1"));
        let fields = "CONTENT_LENGTH\x0027\0SCGI\x001\0REQUEST_METHOD\0POST\0REQUEST_URI\0/RPC2\0\
             CONTENT_TYPE\0text/xml\0HTTP_X_REQUEST_ID\0a-1\0";
        let expected = format!("{}:{fields},", fields.len());
        let head = request_head("/RPC2", 27, &headers);
        assert_eq!(String::from_utf8(head).unwrap(), expected);
    }

    #[test]
    fn head_ends_with_a_blank_line() {
        let check = |text: &str, end| {
            for from in 0..=text.len().saturating_sub(3) {
                assert_eq!(end_of_head(text.as_bytes(), from), end, "{text:?} {from}");
            }
        };
        check("A: b\r\n\r\n", Some(8));
        check("A: b\n\n", Some(6));
        check("A: b\n\r\n", Some(7));
        check("A: b\r\n\r", None);
        check("A: b\r\n", None);
        assert_eq!(end_of_head(b"\r\nbody", 0), Some(2));
        assert_eq!(end_of_head(b"", 0), None);
    }

    #[test]
    fn head_of_an_answer_is_read() {
        let head =
            Head::parse(b"Status: 200 OK\r\nContent-Type: text/xml\r\nCONTENT-LENGTH:  5 \r\n\r\n");
        let content_type = Some("text/xml".to_owned());
        assert_eq!(head.unwrap(), Head { length: Some(5), coding: None, content_type });
        assert_eq!(Head::parse(b"X: y\n\n").unwrap(), Head::default());
    }

    #[test]
    fn status_other_than_200_is_an_error() {
        let check = |text: &str, expected| match Head::parse(text.as_bytes()) {
            Err(Error::Status(status)) => assert_eq!(status, expected, "{text:?}"),
            other => panic!("{text:?}: {other:?}"),
        };
        check("Status: 404 Not Found\r\n\r\n", 404);
        check("status: 500\r\n\r\n", 500);
        check("Status: 302 Found\r\nLocation: /\r\n\r\n", 302);
        check("Location: http://elsewhere/\r\n\r\n", 302);
    }

    #[test]
    fn what_is_no_head_is_refused() {
        let bad = [
            "\r\n",
            "<methodResponse/>\r\n\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n\r\n",
            "Status: OK\r\n\r\n",
            "Status: 20\r\n\r\n",
            "Content-Length: -1\r\n\r\n",
            "Content-Length: +1\r\n\r\n",
            "Content-Length: 99999999999999999999\r\n\r\n",
            "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
            "A b: c\r\n\r\n",
        ];
        for text in bad {
            let parsed = Head::parse(text.as_bytes());
            assert!(
                matches!(parsed, Err(Error::Nonsense(Nonsense::Framing))),
                "{text:?} {parsed:?}"
            );
        }
    }
}
