//! Who we are to a server.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hyper::header::HeaderValue;

/// Who we are to a server: a user with a password, or a token. Nothing shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Login(HeaderValue);

impl Login {
    /// A user with a password (Basic, RFC 7617).
    pub fn basic(user: &str, password: &str) -> Result<Self, BadLogin> {
        if user.contains(':') || [user, password].iter().any(|part| part.contains(char::is_control))
        {
            return Err(BadLogin);
        }
        Self::new(format!("Basic {}", STANDARD.encode(format!("{user}:{password}"))))
    }

    /// A token (Bearer, RFC 6750).
    pub fn token(token: &str) -> Result<Self, BadLogin> {
        let is_whole = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        if is_whole { Self::new(format!("Bearer {token}")) } else { Err(BadLogin) }
    }

    fn new(credentials: String) -> Result<Self, BadLogin> {
        let mut value = HeaderValue::try_from(credentials).map_err(|_| BadLogin)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }

    /// As the header field `Authorization` has it.
    pub(crate) fn into_value(self) -> HeaderValue {
        self.0
    }
}

impl FromStr for Login {
    type Err = BadLogin;

    /// One line, `user:password` or a token, as a file has it: with or without a line end.
    fn from_str(text: &str) -> Result<Self, BadLogin> {
        let line = text.strip_suffix('\n').unwrap_or(text);
        let line = line.strip_suffix('\r').unwrap_or(line);
        match line.split_once(':') {
            Some((user, password)) => Self::basic(user, password),
            None => Self::token(line),
        }
    }
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(..)")
    }
}

/// A text is no login. It is not shown here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLogin;

impl fmt::Display for BadLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected one line: user:password, or a token without blanks")
    }
}

impl std::error::Error for BadLogin {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn line_is_a_user_with_a_password_or_a_token() {
        let check = |text: &str, expected: &str| {
            assert_eq!(text.parse::<Login>().unwrap().0.to_str().unwrap(), expected, "{text}");
        };
        check("ana:secret", "Basic YW5hOnNlY3JldA==");
        check("ana:secret\n", "Basic YW5hOnNlY3JldA==");
        check("ana:se:cr et\r\n", "Basic YW5hOnNlOmNyIGV0");
        check("käthe:ü", "Basic a8OkdGhlOsO8");
        check(":", "Basic Og==");
        check("abc.def-123=\n", "Bearer abc.def-123=");
    }

    #[test]
    fn what_is_no_line_of_a_login_is_refused() {
        for text in ["", "\n", "a token", "tökén", "ana:secret\nbob:secret", "ana:\0", "a\n\n"] {
            assert_eq!(text.parse::<Login>(), Err(BadLogin), "{text:?}");
        }
    }

    #[test]
    fn login_is_not_shown() {
        let login: Login = "ana:secret".parse().unwrap();
        assert_eq!(format!("{login:?}"), "Login(..)");
        assert_eq!(format!("{:?}", login.into_value()), "Sensitive");
    }
}
