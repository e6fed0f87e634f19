//! Names of methods with `*` for any run of characters.

use std::fmt;

/// A method's name in which `*` stands for any run of characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Glob(String);

impl Glob {
    /// The pattern that `text` spells, if it is made of what names are made of, and of `*`.
    pub fn new(text: &str) -> Option<Self> {
        let is_allowed = |byte| byte == b'*' || is_name_byte(byte);
        let is_glob = (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(is_allowed);
        is_glob.then(|| Self(text.to_owned()))
    }

    /// Whether the pattern fits `name`. Linear in the name for each `*`, whatever the two are.
    pub fn fits(&self, name: &str) -> bool {
        let Some((head, rest)) = self.0.split_once('*') else { return self.0 == name };
        let (middle, tail) = rest.rsplit_once('*').unwrap_or(("", rest));
        let within = name.strip_prefix(head).and_then(|name| name.strip_suffix(tail));
        let Some(mut within) = within else { return false };
        // Where the first place for a part is taken, the most is left for those after it.
        for part in middle.split('*') {
            let Some(at) = within.find(part) else { return false };
            within = &within[at + part.len()..];
        }
        true
    }

    /// The pattern as it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name, where the pattern fits only one.
    pub fn as_name(&self) -> Option<&str> {
        (!self.0.contains('*')).then_some(&*self.0)
    }
}

impl fmt::Display for Glob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Longest name of a method of the gateway, in bytes.
pub const MAX_NAME_BYTES: usize = 128;

/// Whether a method of the gateway may have this name.
pub fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_BYTES).contains(&text.len()) && text.bytes().all(is_name_byte)
}

/// Whether the name is one of those that belong to the service.
pub fn is_reserved(name: &str) -> bool {
    ["system.", "rpc."].iter().any(|prefix| name.starts_with(prefix))
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_is_any_run_of_characters() {
        for (glob, fitting, others) in [
            ("a", &["a"][..], &["", "aa", "b", "a*"][..]),
            ("d.*", &["d.", "d.name", "d.a.b"], &["d", "xd.name", "D.name"]),
            ("*execute*", &["execute", "x.execute.throw"], &["exec", "execut"]),
            ("*.execute*", &["a.execute", "a.execute2"], &["execute"]),
            ("a*a", &["aa", "aba", "aaa"], &["a", "ab", "ba"]),
            ("a*b*c", &["abc", "axbxc", "abcbc"], &["ac", "acb", "abcd"]),
            ("ab*ba", &["abba", "abxba"], &["aba"]),
            ("*a*b*", &["ab", "xaxbx"], &["ba", "a", "b"]),
            ("*", &["", "a", "system.multicall"], &[]),
            ("**", &["", "a"], &[]),
            ("a**b", &["ab", "axb"], &["a"]),
        ] {
            let pattern = Glob::new(glob).unwrap();
            for name in fitting {
                assert!(pattern.fits(name), "{glob} {name}");
            }
            for name in others {
                assert!(!pattern.fits(name), "{glob} {name}");
            }
        }
    }

    #[test]
    fn globs_are_made_of_names() {
        for bad in ["", "a b", "a?", "[a]", "é", "a\n", &"x".repeat(129)] {
            assert_eq!(Glob::new(bad), None, "{bad}");
        }
        assert_eq!(Glob::new("d.name").unwrap().as_name(), Some("d.name"));
        assert_eq!(Glob::new("d.*").unwrap().as_name(), None);
    }

    #[test]
    fn names_are_short_and_plain() {
        for name in ["a", "radio.set_frequency", "A:b/c-1", &"x".repeat(128)] {
            assert!(is_name(name), "{name}");
        }
        for bad in ["", "a b", "a*", "é", "a\n", "a\0", &"x".repeat(129)] {
            assert!(!is_name(bad), "{bad}");
        }
        assert!(is_reserved("system.x") && is_reserved("rpc.discover"));
        assert!(!is_reserved("systems") && !is_reserved("system"));
    }
}
