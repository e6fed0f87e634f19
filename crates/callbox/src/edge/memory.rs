//! What memory there is for calls, and what of it is for which of their steps.

use super::budget::LaneBytes;

/// Parts that all of it is made of.
const PARTS: usize = 16;

/// What reading a document takes at the peak, by its own size, where it is made of nothing but tags.
const MAX_READING: usize = 40;

/// Most that one share can be, whatever there is.
const MAX_SHARE: usize = u32::MAX as usize;

/// The memory for calls, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CallMemory {
    /// Of bodies as they came, and inflated.
    pub(crate) bodies: LaneBytes,
    /// Of documents and what is read from them.
    pub(crate) reading: LaneBytes,
    /// Of responses that are not sent yet.
    pub(crate) responses: LaneBytes,
    /// Of the results of multicalls.
    pub(crate) results: usize,
}

impl CallMemory {
    /// Shares out `all`. Bodies, responses and results take up to `bodies` each, and the largest body
    /// of `body` can be read where that is possible.
    pub(crate) fn new(all: usize, bodies: usize, body: usize) -> Self {
        let part = all / PARTS;
        let lanes = LaneBytes { small: part.min(bodies), large: (2 * part).min(bodies) };
        let reading = bodies.max(body.saturating_mul(MAX_READING));
        Self {
            bodies: lanes,
            reading: LaneBytes { large: (8 * part).min(reading).min(MAX_SHARE), ..lanes },
            responses: lanes,
            results: lanes.small,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1024 * 1024;

    fn sum(memory: CallMemory) -> usize {
        let lanes = [memory.bodies, memory.reading, memory.responses];
        lanes.iter().map(|lanes| lanes.small + lanes.large).sum::<usize>() + memory.results
    }

    #[test]
    fn little_memory_is_shared_out_and_never_exceeded() {
        for all in [0, MIB, 20 * MIB, 1000 * MIB] {
            assert!(sum(CallMemory::new(all, 64 * MIB, 4 * MIB)) <= all, "{all}");
        }
    }

    #[test]
    fn settings_hold_where_there_is_memory() {
        let memory = CallMemory::new(usize::MAX, 64 * MIB, 4 * MIB);
        assert_eq!(memory.bodies, LaneBytes { small: 64 * MIB, large: 64 * MIB });
        assert_eq!(memory.reading.large, 160 * MIB);
        assert_eq!(memory.results, 64 * MIB);
    }
}
