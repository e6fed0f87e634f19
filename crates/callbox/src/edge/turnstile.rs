//! What a new connection brings, as far as it is there: a large call is turned away unread where
//! others of its size wait for too long, since to read its head costs as much as to run a small one.

use super::entrance::is_large;

/// Bytes of a connection that are looked at: most heads are shorter.
pub(crate) const LOOK_BYTES: usize = 1024;

/// A large call, as its head tells.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Large {
    /// Bytes of the whole request, where they are told.
    pub(crate) request_bytes: Option<usize>,
}

/// The large call that `bytes` begin with: its body is large, or compressed. What is no head of a
/// request, or not all of one, is none.
pub(crate) fn large(bytes: &[u8]) -> Option<Large> {
    let head = &bytes[..bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4];
    let (mut body, mut is_compressed) = (None, false);
    for (name, value) in head.split(|byte| *byte == b'\n').skip(1).filter_map(field) {
        if name.eq_ignore_ascii_case(b"content-length") {
            body = length(value);
        } else if name.eq_ignore_ascii_case(b"content-encoding") {
            is_compressed = !value.eq_ignore_ascii_case(b"identity");
        }
    }
    let request_bytes = body.and_then(|bytes: usize| bytes.checked_add(head.len()));
    is_large(is_compressed, body.unwrap_or(0) as u64).then_some(Large { request_bytes })
}

fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    Some((&line[..colon], line[colon + 1..].trim_ascii()))
}

fn length(value: &[u8]) -> Option<usize> {
    std::str::from_utf8(value).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_is_what_says_so() {
        let check = |head: &str, request_bytes: Option<Option<usize>>| {
            let expected = request_bytes.map(|request_bytes| Large { request_bytes });
            assert_eq!(large(head.as_bytes()), expected, "{head:?}");
        };
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4096\r\n\r\n<", None);
        check("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4097\r\n\r\n<", Some(Some(4147)));
        check("POST / HTTP/1.1\r\ncontent-length:55000\r\n\r\n", Some(Some(55_041)));
        check("POST / HTTP/1.1\r\nContent-Encoding: gzip\r\n\r\n", Some(None));
        check("POST / HTTP/1.1\r\nContent-Encoding: identity\r\nContent-Length: 9\r\n\r\n", None);
        check("POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\nContent-Encoding: gzip\r\n", None);
        check("POST / HTTP/1.1\r\nContent-Length: 55000\r\n", None);
        check("Content-Length: 55000\r\n\r\n", None);
        check("POST / HTTP/1.1\r\nContent-Length: -1\r\nA\r\n: b\r\n\r\n", None);
        check(
            &format!("A\r\nContent-Encoding: a\r\nContent-Length: {}\r\n\r\n", usize::MAX),
            Some(None),
        );
        check("", None);
    }
}
