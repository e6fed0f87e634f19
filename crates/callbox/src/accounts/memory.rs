//! Passwords that were good a moment ago, so that not every call costs a hash.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;

use super::digest::{Digest, Key};
use crate::registry::Identity;

/// How long a good password is remembered, unless a service is told otherwise.
pub(crate) const MEMORY: Duration = Duration::from_secs(5 * 60);

/// Most passwords that are remembered; the oldest goes.
pub(super) const MAX_REMEMBERED: usize = 1024;

/// What stands for a name and a password in a [`Memory`].
pub(super) type Seal = Digest;

/// Who had a good password, by its seal: neither the password nor what it could be guessed by.
pub(super) struct Memory {
    key: Key,
    time: Duration,
    /// Copied where one is added, which is rare, so that nobody who reads waits for another.
    remembered: ArcSwap<HashMap<Seal, Remembered>>,
}

#[derive(Clone)]
struct Remembered {
    identity: Arc<Identity>,
    until: Instant,
}

impl Memory {
    /// Remembers nothing yet, and each password for `time`.
    pub(super) fn new(time: Duration) -> Self {
        Self { key: Key::random(), time, remembered: ArcSwap::default() }
    }

    /// The seal of a name and a password.
    pub(super) fn seal(&self, login: &[u8]) -> Seal {
        self.key.digest(login)
    }

    /// Who had this name and password, if that was a moment before `now`.
    pub(super) fn recall(&self, seal: &Seal, now: Instant) -> Option<Arc<Identity>> {
        let remembered = self.remembered.load();
        let found = remembered.get(seal).filter(|found| now < found.until)?;
        Some(found.identity.clone())
    }

    /// The name and password are those of `identity`.
    pub(super) fn remember(&self, seal: Seal, identity: Arc<Identity>, now: Instant) {
        let new = Remembered { identity, until: now + self.time };
        self.remembered.rcu(|remembered| {
            let mut remembered = HashMap::clone(remembered);
            remembered.retain(|_, old| now < old.until);
            remembered.insert(seal, new.clone());
            if remembered.len() > MAX_REMEMBERED {
                forget_oldest(&mut remembered);
            }
            remembered
        });
    }
}

fn forget_oldest(remembered: &mut HashMap<Seal, Remembered>) {
    let oldest = remembered.iter().min_by_key(|(_, old)| old.until).map(|(seal, _)| *seal);
    if let Some(seal) = oldest {
        remembered.remove(&seal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn identity() -> Arc<Identity> {
        Arc::new(Identity {
            account: None,
            permissions: Default::default(),
            share: Default::default(),
        })
    }

    #[test]
    fn password_is_remembered_for_its_time() {
        let (memory, now) = (Memory::new(MEMORY), Instant::now());
        let seal = memory.seal(b"ana:secret");
        assert!(memory.recall(&seal, now).is_none());
        memory.remember(seal, identity(), now);
        assert!(memory.recall(&memory.seal(b"ana:secret"), now).is_some());
        assert!(memory.recall(&memory.seal(b"ana:Secret"), now).is_none());
        let end = now + MEMORY;
        assert!(memory.recall(&seal, end - Duration::from_nanos(1)).is_some());
        assert!(memory.recall(&seal, end).is_none());
    }

    #[test]
    fn oldest_password_goes_where_there_are_too_many() {
        let (memory, start) = (Memory::new(MEMORY), Instant::now());
        let seal = |number: usize| memory.seal(&number.to_ne_bytes());
        for number in 0..=MAX_REMEMBERED {
            let now = start + Duration::from_millis(number as u64);
            memory.remember(seal(number), identity(), now);
        }
        assert_eq!(memory.remembered.load().len(), MAX_REMEMBERED);
        assert!(memory.recall(&seal(0), start).is_none());
        assert!(memory.recall(&seal(1), start).is_some());
        assert!(memory.recall(&seal(MAX_REMEMBERED), start).is_some());
    }

    #[test]
    fn what_is_over_takes_no_place() {
        let (memory, now) = (Memory::new(MEMORY), Instant::now());
        memory.remember(memory.seal(b"a:a"), identity(), now);
        memory.remember(memory.seal(b"b:b"), identity(), now + MEMORY);
        assert_eq!(memory.remembered.load().len(), 1);
    }
}
