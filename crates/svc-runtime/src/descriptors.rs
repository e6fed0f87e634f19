//! File descriptors: every connection takes one, and running out of them stops `accept`.

use std::fmt;

use tracing::warn;

/// Descriptors that are not for peers: listeners, logs, the runtime, the admin port, upstream.
pub const RESERVED_DESCRIPTORS: u64 = 64;

/// Connections without which a service does not start, unless fewer are wanted.
pub const MIN_CONNECTIONS: u32 = 64;

/// The descriptor limit leaves room for too few connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooFewDescriptors {
    limit: u64,
    needed: u64,
}

impl fmt::Display for TooFewDescriptors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { limit, needed } = self;
        write!(f, "the limit of {limit} file descriptors is too low, at least {needed} are needed")
    }
}

impl std::error::Error for TooFewDescriptors {}

/// Raises the soft descriptor limit to the hard one and gives back the connection cap that it
/// allows: `wanted`, or the limit less [`RESERVED_DESCRIPTORS`] where that is smaller (logged). An
/// error where that is less than the smaller of `wanted` and [`MIN_CONNECTIONS`].
pub fn connection_cap(wanted: u32) -> Result<usize, TooFewDescriptors> {
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => {
            warn!(%error, "cannot raise the descriptor limit");
            rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(1024, |(soft, _)| soft)
        }
    };
    let cap = capped(wanted, limit)?;
    if cap < u64::from(wanted) {
        warn!(
            wanted,
            cap,
            descriptors = limit,
            "connection cap lowered to what the descriptor limit allows"
        );
    }
    Ok(usize::try_from(cap).unwrap_or(usize::MAX))
}

fn capped(wanted: u32, limit: u64) -> Result<u64, TooFewDescriptors> {
    let needed = RESERVED_DESCRIPTORS + u64::from(wanted.min(MIN_CONNECTIONS));
    if limit < needed {
        return Err(TooFewDescriptors { limit, needed });
    }
    Ok(u64::from(wanted).min(limit - RESERVED_DESCRIPTORS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cap_is_the_smaller_of_the_setting_and_the_descriptors() {
        assert_eq!(capped(10_000, 1_048_576), Ok(10_000));
        assert_eq!(capped(10_000, 1024), Ok(1024 - RESERVED_DESCRIPTORS));
        assert_eq!(capped(10_000, 128), Ok(64));
        assert_eq!(capped(10_000, 127), Err(TooFewDescriptors { limit: 127, needed: 128 }));
        assert_eq!(capped(3, 67), Ok(3));
        assert_eq!(capped(3, 66), Err(TooFewDescriptors { limit: 66, needed: 67 }));
        assert_eq!(capped(3, 0), Err(TooFewDescriptors { limit: 0, needed: 67 }));
    }
}
