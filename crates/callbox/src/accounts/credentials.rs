//! What a request says of who sends it.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Clients do and don't pad.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a request says of who sends it.
pub(super) enum Credentials<'a> {
    /// Nothing.
    None,
    /// A user's name and password (RFC 7617).
    Basic(Login),
    /// A token (RFC 6750).
    Bearer(&'a [u8]),
}

/// It says something, but nothing that is understood.
pub(super) struct Unreadable;

impl<'a> Credentials<'a> {
    /// Reads the header `Authorization`.
    pub(super) fn read(headers: &'a HeaderMap) -> Result<Self, Unreadable> {
        let mut fields = headers.get_all(AUTHORIZATION).iter();
        let Some(field) = fields.next() else { return Ok(Self::None) };
        if fields.next().is_some() {
            return Err(Unreadable);
        }
        let field = field.as_bytes().trim_ascii();
        let blank = field.iter().position(|&byte| byte == b' ').ok_or(Unreadable)?;
        let (scheme, rest) = (&field[..blank], field[blank..].trim_ascii_start());
        if scheme.eq_ignore_ascii_case(b"basic") {
            Ok(Self::Basic(Login::decode(rest)?))
        } else if scheme.eq_ignore_ascii_case(b"bearer") {
            Ok(Self::Bearer(rest))
        } else {
            Err(Unreadable)
        }
    }
}

/// A user's name and password.
pub(super) struct Login {
    bytes: Vec<u8>,
    colon: usize,
}

impl Login {
    fn decode(text: &[u8]) -> Result<Self, Unreadable> {
        let bytes = BASE64.decode(text).map_err(|_| Unreadable)?;
        let colon = bytes.iter().position(|&byte| byte == b':').ok_or(Unreadable)?;
        Ok(Self { bytes, colon })
    }

    /// Both, with a colon between them, which no name has.
    pub(super) fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The user's name.
    pub(super) fn user(&self) -> &[u8] {
        &self.bytes[..self.colon]
    }

    /// The password.
    pub(super) fn password(&self) -> &[u8] {
        &self.bytes[self.colon + 1..]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(fields: &[&str]) -> HeaderMap {
        let field = |text: &&str| (AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        fields.iter().map(field).collect()
    }

    #[test]
    fn names_and_passwords_are_read() {
        let check = |field: &str, user: &str, password: &str| {
            let headers = headers(&[field]);
            let Ok(Credentials::Basic(login)) = Credentials::read(&headers) else {
                panic!("{field}")
            };
            assert_eq!(login.user(), user.as_bytes(), "{field}");
            assert_eq!(login.password(), password.as_bytes(), "{field}");
        };
        // RFC 7617, 2 and 2.1.
        check("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "Aladdin", "open sesame");
        check("Basic dGVzdDoxMjPCow==", "test", "123£");
        check("basic   dGVzdDoxMjPCow", "test", "123£");
        check("BASIC Og==", "", "");
        check("Basic YTpiOmM=", "a", "b:c");
    }

    #[test]
    fn tokens_are_read() {
        for field in ["Bearer mF_9.B5f-4.1JqM", "bearer  mF_9.B5f-4.1JqM "] {
            let headers = headers(&[field]);
            let read = Credentials::read(&headers);
            assert!(matches!(read, Ok(Credentials::Bearer(b"mF_9.B5f-4.1JqM"))), "{field}");
        }
    }

    #[test]
    fn who_says_nothing_is_told_from_who_is_not_understood() {
        assert!(matches!(Credentials::read(&headers(&[])), Ok(Credentials::None)));
        for field in ["", "Basic", "Basic !", "Basic YQ==", "Digest a=b", "Bearer", "a"] {
            assert!(Credentials::read(&headers(&[field])).is_err(), "{field}");
        }
        assert!(Credentials::read(&headers(&["Bearer a", "Bearer a"])).is_err());
    }
}
