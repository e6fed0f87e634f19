//! File descriptors: every connection takes one, and running out of them stops `accept`.

use tracing::warn;

/// Descriptors that are not for peers: listeners, logs, the runtime, the admin port, upstream.
pub const RESERVED_DESCRIPTORS: u64 = 64;

/// Raises the soft descriptor limit to the hard one and gives back the connection cap that it
/// allows: `wanted`, or the limit less [`RESERVED_DESCRIPTORS`] where that is smaller (logged).
pub fn connection_cap(wanted: u32) -> usize {
    let limit = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => limit,
        Err(error) => {
            warn!(%error, "cannot raise the descriptor limit");
            rlimit::getrlimit(rlimit::Resource::NOFILE).map_or(1024, |(soft, _)| soft)
        }
    };
    let cap = capped(wanted, limit);
    if cap < u64::from(wanted) {
        warn!(
            wanted,
            cap,
            descriptors = limit,
            "connection cap lowered to what the descriptor limit allows"
        );
    }
    usize::try_from(cap).unwrap_or(usize::MAX)
}

fn capped(wanted: u32, limit: u64) -> u64 {
    u64::from(wanted).min(limit.saturating_sub(RESERVED_DESCRIPTORS)).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cap_is_the_smaller_of_the_setting_and_the_descriptors() {
        assert_eq!(capped(10_000, 1_048_576), 10_000);
        assert_eq!(capped(10_000, 1024), 1024 - RESERVED_DESCRIPTORS);
        assert_eq!(capped(10_000, 3), 1);
    }
}
