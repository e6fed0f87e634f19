//! The charset that an upstream speaks.

use std::borrow::Cow;

use encoding_rs::{Encoding, UTF_8};

/// UTF-8 or a charset of one byte a character: either way ASCII is ASCII.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Charset(&'static Encoding);

impl Default for Charset {
    fn default() -> Self {
        Self(UTF_8)
    }
}

impl Charset {
    /// The charset with this encoding, in which a byte of ASCII is that of ASCII.
    pub fn of(encoding: &'static Encoding) -> Self {
        Self(encoding)
    }

    /// The text of `bytes`, if all of them are of this charset.
    pub fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        self.0.decode_without_bom_handling_and_without_replacement(bytes)
    }

    /// The text of `bytes`, with U+FFFD for what is not of this charset.
    pub fn decode_lossy(self, bytes: &[u8]) -> Cow<'_, str> {
        self.0.decode_without_bom_handling(bytes).0
    }

    /// The bytes of `text`, if this charset can say all of it.
    pub fn encode(self, text: &str) -> Option<Cow<'_, [u8]>> {
        let (bytes, _, is_replaced) = self.0.encode(text);
        (!is_replaced).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_charset_cannot_say_is_never_replaced() {
        let latin = Charset::of(encoding_rs::ISO_8859_15);
        assert_eq!(latin.encode("5 €").as_deref(), Some(&b"5 \xA4"[..]));
        assert_eq!(latin.decode(b"5 \xA4").as_deref(), Some("5 €"));
        assert_eq!(latin.encode("Ω"), None);
        let utf_8 = Charset::default();
        assert_eq!(utf_8.decode(b"\xFF"), None);
        assert_eq!(utf_8.decode_lossy(b"a\xFF"), "a\u{FFFD}");
        assert_eq!(utf_8.decode("\u{FEFF}é".as_bytes()).as_deref(), Some("\u{FEFF}é"));
        assert_eq!(utf_8.encode("é").as_deref(), Some("é".as_bytes()));
    }
}
