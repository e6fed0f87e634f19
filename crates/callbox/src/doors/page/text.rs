//! Text in a document of others' making: whatever it holds, it stays text.

use std::fmt::{self, Write};

/// Text for HTML and XML, between tags and in quoted attributes.
pub(super) struct Escaped<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Escaped<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(Escaping(f), "{}", self.0)
    }
}

struct Escaping<'a, 'b>(&'a mut fmt::Formatter<'b>);

impl Write for Escaping<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for piece in text.split_inclusive(['&', '<', '>', '"', '\'']) {
            let (plain, escape) = match piece.as_bytes().last() {
                Some(b'&') => (&piece[..piece.len() - 1], "&amp;"),
                Some(b'<') => (&piece[..piece.len() - 1], "&lt;"),
                Some(b'>') => (&piece[..piece.len() - 1], "&gt;"),
                Some(b'"') => (&piece[..piece.len() - 1], "&quot;"),
                Some(b'\'') => (&piece[..piece.len() - 1], "&#39;"),
                _ => (piece, ""),
            };
            self.0.write_str(plain)?;
            self.0.write_str(escape)?;
        }
        Ok(())
    }
}

/// Text as one word of a POSIX shell.
pub(super) struct Quoted<T>(pub(super) T);

impl<T: fmt::Display> fmt::Display for Quoted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "'{}'", self.0.to_string().replace('\'', r"'\''"))
    }
}

/// Text as the fragment of a URL (RFC 3986, 3.5).
pub(super) struct Fragment<'a>(pub(super) &'a str);

impl fmt::Display for Fragment<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                f.write_char(char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_written_so_that_it_stays_text() {
        let check = |text: &str, escaped: &str, quoted: &str, fragment: &str| {
            assert_eq!(Escaped(text).to_string(), escaped);
            assert_eq!(Quoted(text).to_string(), quoted);
            assert_eq!(Fragment(text).to_string(), fragment);
        };
        check("a.b-c", "a.b-c", "'a.b-c'", "a.b-c");
        check("", "", "''", "");
        check("<&>", "&lt;&amp;&gt;", "'<&>'", "%3C%26%3E");
        check("it's \"é\"", "it&#39;s &quot;é&quot;", r#"'it'\''s "é"'"#, "it%27s%20%22%C3%A9%22");
        check("</script>", "&lt;/script&gt;", "'</script>'", "%3C%2Fscript%3E");
    }
}
