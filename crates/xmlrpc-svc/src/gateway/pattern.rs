//! A regular expression that a text has to match as a whole.

use std::fmt;

use regex::bytes::{Regex, RegexBuilder};

/// Memory that a compiled pattern may take, in bytes.
pub const MAX_PATTERN_BYTES: usize = 1 << 20;

/// A regular expression that a text, or bytes, have to match as a whole.
#[derive(Debug, Clone)]
pub struct Pattern {
    source: String,
    whole: Regex,
}

impl Pattern {
    /// The pattern that `source` spells; the error says in a line what is wrong with it.
    pub fn new(source: &str) -> Result<Self, String> {
        // By itself first: what is whole by itself cannot reach out of the group around it.
        compile(source)?;
        let whole = compile(&format!(r"\A(?:{source})\z"))?;
        Ok(Self { source: source.to_owned(), whole })
    }

    /// Whether all of `text` matches.
    pub fn fits(&self, text: &[u8]) -> bool {
        self.whole.is_match(text)
    }
}

fn compile(source: &str) -> Result<Regex, String> {
    let compiled = RegexBuilder::new(source)
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .build();
    compiled.map_err(|error| told(&error))
}

/// What is wrong with a regular expression, in a line.
pub(super) fn told(error: &regex::Error) -> String {
    let all = error.to_string();
    let last = all.lines().last().unwrap_or_default();
    last.trim().trim_start_matches("error: ").trim_end_matches('.').to_owned()
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_a_text_has_to_match() {
        for (pattern, fitting, others) in [
            ("main|started", &["main", "started"][..], &["main2", "xmain", "mainstarted", ""][..]),
            ("", &[""], &["x", "\n"]),
            ("a|ab", &["a", "ab"], &["abc"]),
            ("(?i)up", &["UP", "up"], &["up\n"]),
            ("^x$", &["x"], &["x\n", "\nx"]),
            ("(?m)^x$", &["x"], &["x\n", "y\nx"]),
            (r"d\.(name|size)=", &["d.name="], &["dxname=", "d.name=,d.size="]),
        ] {
            let whole = Pattern::new(pattern).unwrap();
            for text in fitting {
                assert!(whole.fits(text.as_bytes()), "{pattern} {text}");
            }
            for text in others {
                assert!(!whole.fits(text.as_bytes()), "{pattern} {text}");
            }
        }
        assert!(!Pattern::new(".*").unwrap().fits(b"\xff"));
    }

    #[test]
    fn bad_and_oversized_patterns_are_told_in_a_line() {
        for (bad, told) in [
            ("(", "unclosed group"),
            ("a)|(b", "unopened group"),
            ("(?x)a #", "unclosed group"),
            ("[z-a]", "invalid character class range, the start must be <= the end"),
            (r"\w{2000}{2000}", "Compiled regex exceeds size limit of 1048576 bytes"),
        ] {
            assert_eq!(Pattern::new(bad).unwrap_err(), told, "{bad}");
        }
    }
}
