//! The memory that a process may take, and what of it is for its peers.

use std::fs;
use std::path::Path;

/// What the process has for itself: its program, threads and log, and what the allocator cannot use;
/// a part of it grows with all.
const OWN_BYTES: usize = 12 * 1024 * 1024;
const OWN_PART: usize = 8;

/// The part of all that is for peers, be there as little as may.
const LEAST_PART: usize = 4;

/// The memory that a process may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    bytes: usize,
    counts_sockets: bool,
}

impl Memory {
    /// `most` bytes; where nothing is said, as many as the process's control group may take, or the
    /// machine has.
    pub fn of_process(most: Option<usize>) -> Self {
        if let Some(bytes) = most {
            return Self { bytes, counts_sockets: true };
        }
        let machine = Self { bytes: machine_bytes().unwrap_or(usize::MAX), counts_sockets: true };
        let groups = fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let limits = groups.lines().filter_map(|line| limit(line, Path::new("/sys/fs/cgroup")));
        limits.fold(machine, |least, limit| if limit.bytes < least.bytes { limit } else { least })
    }

    /// All of it, in bytes.
    pub fn bytes(self) -> usize {
        self.bytes
    }

    /// What may be kept for peers, in bytes.
    pub fn for_peers(self) -> usize {
        self.bytes.saturating_sub(OWN_BYTES + self.bytes / OWN_PART).max(self.bytes / LEAST_PART)
    }

    /// Whether what the kernel keeps for sockets is a part of it: where a control group of the first
    /// version sets the limit, it is not.
    pub fn counts_sockets(self) -> bool {
        self.counts_sockets
    }
}

fn machine_bytes() -> Option<usize> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    let kibibytes: usize = total.trim().strip_suffix("kB")?.trim_end().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// The least limit of a control group and those that it is in, by its line in `/proc/self/cgroup`
/// (`cgroups(7)`). In a container the file may tell a path that is outside: then the root is its own.
fn limit(line: &str, root: &Path) -> Option<Memory> {
    let mut fields = line.splitn(3, ':');
    let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
    let (root, file, counts_sockets) = match controllers {
        "" => (root.to_owned(), "memory.max", true),
        one if one.split(',').any(|name| name == "memory") => {
            (root.join("memory"), "memory.limit_in_bytes", false)
        }
        _ => return None,
    };
    let own = root.join(path.trim_start_matches('/'));
    let groups = own.ancestors().take_while(|group| group.starts_with(&root));
    let limits = groups.filter_map(|group| {
        // Where there is none, it says `max`.
        fs::read_to_string(group.join(file)).ok()?.trim().parse().ok()
    });
    limits.min().map(|bytes| Memory { bytes, counts_sockets })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    /// A tree of control groups, removed at the end.
    struct Groups(PathBuf);

    impl Groups {
        fn new(name: &str, files: &[(&str, &str)]) -> Self {
            let root = std::env::temp_dir().join(format!("groups-{}-{name}", std::process::id()));
            for (path, text) in files {
                let path = root.join(path);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, text).unwrap();
            }
            Self(root)
        }
    }

    impl Drop for Groups {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn limit_is_the_least_of_the_group_and_those_around_it() {
        let groups = Groups::new(
            "second",
            &[("a/memory.max", "300\n"), ("a/b/memory.max", "max\n"), ("c/memory.max", "1\n")],
        );
        let expected = Some(Memory { bytes: 300, counts_sockets: true });
        assert_eq!(limit("0::/a/b", &groups.0), expected);
        assert_eq!(limit("0::/", &groups.0), None);
        assert_eq!(limit("3:cpu,memory:/a/b", &groups.0), None);
    }

    #[test]
    fn groups_of_the_first_version_are_known_by_their_root_in_a_container() {
        let groups = Groups::new("first", &[("memory/memory.limit_in_bytes", "67108864\n")]);
        let expected = Some(Memory { bytes: 67_108_864, counts_sockets: false });
        assert_eq!(limit("4:memory:/docker/0123", &groups.0), expected);
        assert_eq!(limit("4:memory:/", &groups.0), expected);
        assert_eq!(limit("4:cpu,cpuacct:/", &groups.0), None);
        assert_eq!(limit("nonsense", &groups.0), None);
    }

    #[test]
    fn process_keeps_a_part_for_itself() {
        let of = |bytes| Memory::of_process(Some(bytes)).for_peers();
        assert_eq!(of(64 << 20), (64 - 12 - 8) << 20);
        assert_eq!(of(4 << 20), 1 << 20);
        assert!(Memory::of_process(None).bytes() > 0);
    }
}
