//! What an upstream said to a question.

/// What an upstream said to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// An answer.
    Said(Body),
    /// That there is none.
    Absent,
    /// An error, in the upstream's own words and charset.
    Refused(Vec<u8>),
}

/// What an answer consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body {
    /// Lines.
    Lines {
        /// All of them, with an LF between two.
        text: Vec<u8>,
        /// How many.
        count: usize,
    },
    /// The line that ended a reply of no lines.
    End(Vec<u8>),
    /// As many bytes as were announced.
    Blob(Vec<u8>),
    /// All bytes until the upstream closed.
    Rest(Vec<u8>),
}

impl Body {
    /// No lines.
    pub const EMPTY: Self = Self::Lines { text: Vec::new(), count: 0 };

    /// The bytes as they came, but for the ends of lines.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Lines { text, .. } => text,
            Self::End(bytes) | Self::Blob(bytes) | Self::Rest(bytes) => bytes,
        }
    }
}
