//! Which methods somebody may call.

use std::fmt;
use std::str::FromStr;

use super::catalog::CatalogPattern;

/// Which methods somebody may call: those that a pattern fits.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Permissions(Box<[Pattern]>);

impl Permissions {
    /// Whether the method `name` may be called.
    pub(super) fn allow(&self, name: &str) -> bool {
        self.0.iter().any(|pattern| pattern.fits(name))
    }

    /// The patterns that fit nothing, as `fits` has it.
    pub(crate) fn misfits(
        &self,
        fits: impl Fn(&Pattern) -> bool,
    ) -> impl Iterator<Item = &Pattern> {
        self.0.iter().filter(move |pattern| !fits(pattern))
    }
}

impl FromIterator<Pattern> for Permissions {
    fn from_iter<I: IntoIterator<Item = Pattern>>(patterns: I) -> Self {
        Self(patterns.into_iter().collect())
    }
}

/// What methods' names are held against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Pattern {
    /// `*`: all of them.
    All,
    /// `radio.*`: those that begin like this, dot included.
    Prefix(Box<str>),
    /// The one of this name.
    Name(Box<str>),
}

impl Pattern {
    /// Whether it fits the method `name`.
    pub(super) fn fits(&self, name: &str) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => name.len() > prefix.len() && name.starts_with(&**prefix),
            Self::Name(own) => **own == *name,
        }
    }

    /// Whether it could fit a method that is found by the pattern of a catalog.
    pub(super) fn may_fit(&self, pattern: &CatalogPattern) -> bool {
        match self {
            Self::All => true,
            Self::Prefix(prefix) => {
                let beginning = pattern.beginning();
                prefix.starts_with(beginning) || beginning.starts_with(&**prefix)
            }
            Self::Name(name) => pattern.fits(name),
        }
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::All => f.write_str("*"),
            Self::Prefix(prefix) => write!(f, "{prefix}*"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A text that is no pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoPattern;

impl fmt::Display for NoPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a method's name, a prefix such as \"radio.*\", or \"*\"")
    }
}

impl FromStr for Pattern {
    type Err = NoPattern;

    fn from_str(text: &str) -> Result<Self, NoPattern> {
        let is_name = |text: &str| {
            let is_allowed = |c: char| !c.is_whitespace() && !c.is_control() && c != '*';
            !text.is_empty() && text.chars().all(is_allowed)
        };
        match text.strip_suffix('*') {
            Some("") => Ok(Self::All),
            Some(prefix) if prefix.len() > 1 && prefix.ends_with('.') && is_name(prefix) => {
                Ok(Self::Prefix(prefix.into()))
            }
            None if is_name(text) => Ok(Self::Name(text.into())),
            _ => Err(NoPattern),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit_all_a_prefix_or_one_name() {
        let check = |pattern: &str, fits: &[&str], others: &[&str]| {
            let permissions: Permissions = [pattern.parse().unwrap()].into_iter().collect();
            assert_eq!(permissions.0[0].to_string(), pattern);
            for name in fits {
                assert!(permissions.allow(name), "{pattern} {name}");
            }
            for name in others {
                assert!(!permissions.allow(name), "{pattern} {name}");
            }
        };
        check("*", &["a", "system.listMethods"], &[]);
        check("radio.*", &["radio.on", "radio.a.b"], &["radio", "radio.", "radios.on", "Radio.on"]);
        check("radio.a.*", &["radio.a.b"], &["radio.a", "radio.b"]);
        check("addition", &["addition"], &["additions", "addit", "system.addition"]);
    }

    #[test]
    fn without_a_pattern_nothing_is_allowed() {
        assert!(!Permissions::default().allow("a"));
    }

    #[test]
    fn misfits_fit_no_name() {
        let misfits = |patterns: &[&str], names: &[&str]| {
            let patterns = patterns.iter().map(|pattern| pattern.parse::<Pattern>().unwrap());
            let permissions: Permissions = patterns.collect();
            let fits = |pattern: &Pattern| names.iter().any(|name| pattern.fits(name));
            permissions.misfits(fits).map(Pattern::to_string).collect::<Vec<_>>()
        };
        let names = ["addition", "radio.on"];
        assert_eq!(misfits(&["*", "addition", "radio.*"], &names), [""; 0]);
        assert_eq!(misfits(&["adition", "addition", "rado.*"], &names), ["adition", "rado.*"]);
        assert_eq!(misfits(&["addition.*", "radio"], &names), ["addition.*", "radio"]);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for bad in ["", "**", "*.a", "a.*.b", "radio*", ".*", "a b", "a.* ", "a\n"] {
            assert_eq!(bad.parse::<Pattern>(), Err(NoPattern), "{bad:?}");
        }
    }
}
