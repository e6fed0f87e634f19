//! What keeps methods from being published.

use std::collections::HashSet;
use std::fmt;

use super::method::Method;
use super::signature::Signature;
use super::system;

/// Longest name of a method, in bytes: no longer one could be called.
const MAX_NAME_BYTES: usize = 256;

/// What keeps methods from being published. Each names the method.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegistryError {
    /// Two methods have the same name.
    Duplicate(String),
    /// The name is one of `system.`, which belong to the service.
    Reserved(String),
    /// The name is empty, too long, or has a character that cannot be sent.
    Unnameable(String),
    /// An earlier function of the same name takes all that this one could.
    Shadowed {
        /// The method's name.
        method: String,
        /// What the function takes that is never called.
        later: String,
        /// What the function takes that is called instead.
        earlier: String,
    },
    /// The names of the parameters are not one for each, or not different.
    ParameterNames {
        /// The method's name.
        method: String,
        /// How many names there are; twice the same counts once.
        names: usize,
        /// How many parameters there are.
        parameters: usize,
    },
    /// A date type of another crate, which would travel as a string.
    ForeignDate {
        /// The method's name.
        method: String,
        /// The Rust type's name.
        rust_name: &'static str,
    },
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Duplicate(method) => write!(f, "method {method:?} is published twice"),
            Self::Reserved(method) => {
                write!(f, "method {method:?}: names in {:?} belong to the service", system::PREFIX)
            }
            Self::Unnameable(method) => write!(
                f,
                "method {method:?}: a name has 1 to {MAX_NAME_BYTES} bytes, no blanks or control characters"
            ),
            Self::Shadowed { method, later, earlier } => write!(
                f,
                "method {method:?}: its function of {later} is never called, since that of {earlier} before it takes the same"
            ),
            Self::ParameterNames { method, names, parameters } => {
                write!(
                    f,
                    "method {method:?} has {parameters} parameters and {names} names for them"
                )
            }
            Self::ForeignDate { method, rust_name } => write!(
                f,
                "method {method:?}: {rust_name} would be sent as a string; use callbox::DateTime, or a date and time of jiff or chrono with callbox's feature of that name"
            ),
        }
    }
}

impl std::error::Error for RegistryError {}

/// Tells the first thing that keeps `methods` from being published.
pub(super) fn check(methods: &[Method]) -> Result<(), RegistryError> {
    let mut names = HashSet::new();
    for method in methods {
        check_name(method.name())?;
        if !names.insert(method.name()) {
            return Err(RegistryError::Duplicate(method.name().to_owned()));
        }
        check_overloads(method)?;
        check_parameter_names(method)?;
        check_dates(method)?;
    }
    Ok(())
}

pub(super) fn check_name(name: &str) -> Result<(), RegistryError> {
    let is_sendable =
        |c: char| !c.is_whitespace() && !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
    if name.starts_with(system::PREFIX) {
        Err(RegistryError::Reserved(name.to_owned()))
    } else if !(1..=MAX_NAME_BYTES).contains(&name.len()) || !name.chars().all(is_sendable) {
        Err(RegistryError::Unnameable(name.to_owned()))
    } else {
        Ok(())
    }
}

fn check_overloads(method: &Method) -> Result<(), RegistryError> {
    for (index, later) in method.signatures().enumerate() {
        if let Some(earlier) =
            method.signatures().take(index).find(|earlier| earlier.shadows(later))
        {
            return Err(RegistryError::Shadowed {
                method: method.name().to_owned(),
                later: later.expected(),
                earlier: earlier.expected(),
            });
        }
    }
    Ok(())
}

fn check_parameter_names(method: &Method) -> Result<(), RegistryError> {
    let longest = method.signatures().map(|signature| signature.params.len()).max().unwrap_or(0);
    let different: HashSet<_> = method.parameter_names().filter(|name| !name.is_empty()).collect();
    let names = method.parameter_names().len();
    if names == 0 || (names == longest && different.len() == names) {
        return Ok(());
    }
    Err(RegistryError::ParameterNames {
        method: method.name().to_owned(),
        names: different.len(),
        parameters: longest,
    })
}

fn check_dates(method: &Method) -> Result<(), RegistryError> {
    match method.signatures().find_map(Signature::foreign_date) {
        Some(rust_name) => {
            Err(RegistryError::ForeignDate { method: method.name().to_owned(), rust_name })
        }
        None => Ok(()),
    }
}
