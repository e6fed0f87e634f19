//! What is alike in all that an upstream says.

use super::charset::Charset;
use super::settings::{LineEnd, LineSettings};

/// What is alike in all that an upstream says.
#[derive(Debug, Clone)]
pub struct Manner {
    /// How lines end.
    pub line_end: LineEnd,
    /// What its bytes mean.
    pub charset: Charset,
    /// How replies begin that are errors.
    pub error: Vec<String>,
    /// How lines begin that belong to no reply.
    pub skip: Vec<String>,
    /// A reply that counts without a line end, where the upstream closes after it.
    pub bare: Option<String>,
    /// Longest reply that is read, in bytes.
    pub max_reply_bytes: usize,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            line_end: LineEnd::Lf,
            charset: Charset::default(),
            error: Vec::new(),
            skip: Vec::new(),
            bare: None,
            max_reply_bytes: 65_536,
        }
    }
}

impl From<&LineSettings> for Manner {
    fn from(settings: &LineSettings) -> Self {
        Self {
            line_end: settings.line_end,
            charset: Charset::of(settings.encoding),
            error: settings.error.clone(),
            skip: settings.skip.clone(),
            bare: None,
            max_reply_bytes: settings.max_reply_bytes,
        }
    }
}

impl Manner {
    /// Whether `line` begins with this text.
    pub fn begins(&self, line: &[u8], with: &str) -> bool {
        self.charset.encode(with).is_some_and(|with| line.starts_with(&with))
    }

    /// Whether `line` is an error.
    pub fn is_error(&self, line: &[u8]) -> bool {
        self.error.iter().any(|error| self.begins(line, error))
    }

    /// Whether `line` belongs to no reply.
    pub fn is_skipped(&self, line: &[u8]) -> bool {
        self.skip.iter().any(|skip| self.begins(line, skip))
    }

    /// Whether a line that begins with `begin` and has not ended may be one that belongs to no reply.
    pub fn may_be_skipped(&self, begin: &[u8]) -> bool {
        let may_be =
            |skip: &String| self.charset.encode(skip).is_some_and(|skip| skip.starts_with(begin));
        self.is_skipped(begin) || self.skip.iter().any(may_be)
    }
}
