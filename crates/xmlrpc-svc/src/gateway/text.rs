//! Which texts may stand for a parameter, and how they are sent.

use super::pattern::Pattern;

/// Which texts may be sent, and how. One that nothing quotes is always one of those that the file
/// names.
#[derive(Debug, Clone)]
pub enum Text {
    /// As it is.
    Plain(Allowed),
    /// Quoted: any, or some.
    Quoted(Quote, Option<Allowed>),
}

/// Which texts are allowed.
#[derive(Debug, Clone)]
pub enum Allowed {
    /// Those that match as a whole.
    Pattern(Pattern),
    /// These.
    OneOf(Vec<String>),
}

/// How a text is quoted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// In double quotes; a double quote and a backslash have a backslash before them.
    Double,
    /// Each byte of UTF-8 but ASCII's letters, digits and `-._~` as `%` and two digits.
    Percent,
}

impl Text {
    pub(super) fn write(&self, sent: &str, line: &mut String) -> Result<(), String> {
        let allowed = match self {
            Self::Plain(allowed) | Self::Quoted(_, Some(allowed)) => Some(allowed),
            Self::Quoted(_, None) => None,
        };
        if let Some(allowed) = allowed.filter(|allowed| !allowed.allows(sent)) {
            return Err(allowed.expected());
        }
        match self {
            Self::Plain(_) => line.push_str(sent),
            Self::Quoted(Quote::Double, _) => double_quoted(sent, line),
            Self::Quoted(Quote::Percent, _) => percent_quoted(sent, line),
        }
        Ok(())
    }
}

impl Allowed {
    pub(super) fn allows(&self, text: &str) -> bool {
        match self {
            Self::Pattern(pattern) => pattern.fits(text.as_bytes()),
            Self::OneOf(texts) => texts.iter().any(|one| one == text),
        }
    }

    fn expected(&self) -> String {
        match self {
            Self::Pattern(pattern) => format!("expected text that matches {pattern}"),
            Self::OneOf(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| format!("{text:?}")).collect();
                format!("expected one of {}", texts.join(", "))
            }
        }
    }
}

fn double_quoted(text: &str, line: &mut String) {
    line.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            line.push('\\');
        }
        line.push(c);
    }
    line.push('"');
}

fn percent_quoted(text: &str, line: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            line.push(byte.into());
        } else {
            line.push_str(&format!("%{byte:02X}"));
        }
    }
}
