//! Digests: what stands for a secret without telling it.

use std::hash::{Hash, Hasher};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::{digest, hmac, rand};

/// A SHA-256, or one under a key. Comparing two takes the same time wherever they differ.
#[derive(Clone, Copy)]
pub(super) struct Digest([u8; digest::SHA256_OUTPUT_LEN]);

impl Digest {
    /// The SHA-256 of `bytes`.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self::from_slice(digest::digest(&digest::SHA256, bytes).as_ref())
    }

    /// The digest that `text` is in hexadecimal digits.
    pub(super) fn from_hex(text: &str) -> Option<Self> {
        let mut bytes = [0; digest::SHA256_OUTPUT_LEN];
        if text.len() != 2 * bytes.len() {
            return None;
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            let digit = |index: usize| char::from(pair[index]).to_digit(16);
            *byte = u8::try_from(digit(0)? * 16 + digit(1)?).ok()?;
        }
        Some(Self(bytes))
    }

    /// In hexadecimal digits.
    pub(super) fn to_hex(self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn from_slice(bytes: &[u8]) -> Self {
        let mut own = [0; digest::SHA256_OUTPUT_LEN];
        own.copy_from_slice(bytes);
        Self(own)
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(&self.0, &other.0).is_ok()
    }
}

impl Eq for Digest {}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// A key that nobody else has, and that dies with the process.
pub(super) struct Key(hmac::Key);

impl Key {
    /// A new one.
    pub(super) fn random() -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, &random()))
    }

    /// The HMAC-SHA-256 of `bytes`.
    pub(super) fn digest(&self, bytes: &[u8]) -> Digest {
        Digest::from_slice(hmac::sign(&self.0, bytes).as_ref())
    }
}

/// 256 random bits, of the quality that secrets need.
pub(super) fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).expect("the system has random bytes");
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_read_in_any_case_and_written() {
        // FIPS 180-2, B.1.
        let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(Digest::of(b"abc").to_hex(), abc);
        for text in [abc, &abc.to_uppercase()] {
            assert!(Digest::from_hex(text) == Some(Digest::of(b"abc")), "{text}");
        }
        for bad in ["", "ba", &abc[1..], &format!("{abc}00"), &abc.replace('b', "g")] {
            assert!(Digest::from_hex(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn keys_differ() {
        assert!(Key::random().digest(b"a") != Key::random().digest(b"a"));
    }
}
