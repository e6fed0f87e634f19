//! Passwords as bcrypt hashes.

use std::fmt;
use std::hint::black_box;
use std::ops::RangeInclusive;
use std::str::FromStr;

use bcrypt::{HashParts, Version};

use super::digest::random;

/// Costs of the hashes that are read: under it they protect nothing, over it a login takes seconds.
pub(super) const COSTS: RangeInclusive<u32> = 4..=14;

/// Longest password in bytes: bcrypt sees no more of one.
pub(super) const MAX_PASSWORD_BYTES: usize = 72;

/// The cost of hashes that are made here.
const COST: u32 = 12;

/// What bcrypt's variants are called that are read; they differ in old mistakes alone.
const VARIANTS: [&str; 3] = ["$2a$", "$2b$", "$2y$"];

/// A password's hash.
pub(super) struct PasswordHash {
    text: Box<str>,
    cost: u32,
}

/// Why a text is no hash that is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BadHash {
    /// It is none of bcrypt's.
    NotBcrypt,
    /// It is one of another cost.
    Cost,
}

impl fmt::Display for BadHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotBcrypt => {
                f.write_str("expected a bcrypt hash: $2y$, a cost, $ and 53 characters")
            }
            Self::Cost => {
                write!(f, "expected a bcrypt hash of cost {} to {}", COSTS.start(), COSTS.end())
            }
        }
    }
}

impl FromStr for PasswordHash {
    type Err = BadHash;

    fn from_str(text: &str) -> Result<Self, BadHash> {
        let is_variant = VARIANTS.iter().any(|variant| text.starts_with(variant));
        let has_cost =
            text.as_bytes().get(4..6).is_some_and(|cost| cost.iter().all(u8::is_ascii_digit));
        if !is_variant || !has_cost {
            return Err(BadHash::NotBcrypt);
        }
        let cost = text.parse::<HashParts>().map_err(|_| BadHash::NotBcrypt)?.get_cost();
        if !COSTS.contains(&cost) {
            return Err(BadHash::Cost);
        }
        Ok(Self { text: text.into(), cost })
    }
}

impl PasswordHash {
    /// The base-2 logarithm of the work that it takes.
    pub(super) fn cost(&self) -> u32 {
        self.cost
    }
}

/// Whether it can be the password of a hash: what is longer, or has a NUL, is cut off by some.
pub(super) fn is_hashable(password: &[u8]) -> bool {
    password.len() <= MAX_PASSWORD_BYTES && !password.contains(&0)
}

/// Whether the password is that of `hash`. It takes the time of a hash of cost `work`, also where
/// the hash's own cost is lower, or there is none: nobody learns from it which users there are.
pub(super) fn fits(hash: Option<&PasswordHash>, password: &[u8], work: u32) -> bool {
    let Some(hash) = hash else {
        spend(work);
        return false;
    };
    let fits = bcrypt::verify(password, &hash.text).unwrap_or(false);
    // One of cost 5 and one each of 5, 6 and 7 are as much work as one of cost 8.
    (hash.cost..work).for_each(spend);
    fits
}

fn spend(cost: u32) {
    black_box(bcrypt::bcrypt(cost, [0; 16], black_box(b"\0")));
}

/// A new hash of a password that [`is_hashable`].
pub(super) fn make(password: &[u8]) -> Option<String> {
    let mut salt = [0; 16];
    salt.copy_from_slice(&random()[..16]);
    let parts = bcrypt::hash_with_salt(password, COST, salt).ok()?;
    Some(parts.format_for_version(Version::TwoY))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// By `htpasswd -nbB -C 4 ana secret` of Debian's apache2-utils.
    const SECRET: &str = "$2y$04$.h22kaNrgKORdj22qJtStOfWDvFz2YVLQ4nGV3fbX8byeBh.OQnqa";

    #[test]
    fn hashes_of_every_variant_fit_their_password_alone() {
        for variant in VARIANTS {
            let hash: PasswordHash = SECRET.replace("$2y$", variant).parse().unwrap();
            assert!(fits(Some(&hash), b"secret", 4), "{variant}");
            for other in ["", "Secret", "secret ", "secre"] {
                assert!(!fits(Some(&hash), other.as_bytes(), 4), "{variant} {other}");
            }
        }
        assert!(!fits(None, b"secret", 4));
    }

    #[test]
    fn hash_of_less_work_than_others_fits_all_the_same() {
        let hash: PasswordHash = SECRET.parse().unwrap();
        assert!(fits(Some(&hash), b"secret", 6));
        assert!(!fits(Some(&hash), b"Secret", 6));
    }

    #[test]
    fn other_hashes_are_refused() {
        let check = |text: &str, expected: BadHash| {
            assert_eq!(text.parse::<PasswordHash>().err(), Some(expected), "{text}");
        };
        check(&SECRET.replace("$04$", "$03$"), BadHash::Cost);
        check(&SECRET.replace("$04$", "$15$"), BadHash::Cost);
        check(&SECRET.replace("$04$", "$+4$"), BadHash::NotBcrypt);
        check(&SECRET.replace("$2y$", "$2x$"), BadHash::NotBcrypt);
        check(&SECRET[1..], BadHash::NotBcrypt);
        check(&SECRET[..59], BadHash::NotBcrypt);
        check(&format!("{SECRET}a"), BadHash::NotBcrypt);
        check("$apr1$xxxxxxxx$ELlkxK7HQBqHrGqXzhCwO/", BadHash::NotBcrypt);
        check("{SHA}5en6G6MezRroT3XKqkdPOmY/BfQ=", BadHash::NotBcrypt);
        check("secret", BadHash::NotBcrypt);
        check("", BadHash::NotBcrypt);
    }

    #[test]
    fn longest_password_counts_to_its_last_byte() {
        let hash: PasswordHash = make(&[b'a'; MAX_PASSWORD_BYTES]).unwrap().parse().unwrap();
        assert_eq!(hash.cost(), COST);
        assert!(fits(Some(&hash), &[b'a'; MAX_PASSWORD_BYTES], COST));
        assert!(!fits(Some(&hash), &[b'a'; MAX_PASSWORD_BYTES - 1], COST));
        assert!(is_hashable(&[b'a'; MAX_PASSWORD_BYTES]));
        assert!(!is_hashable(&[b'a'; MAX_PASSWORD_BYTES + 1]));
        assert!(!is_hashable(b"a\0"));
    }
}
