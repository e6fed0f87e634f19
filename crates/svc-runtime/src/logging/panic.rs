//! A panic is a log line like any other.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, Location, PanicHookInfo, catch_unwind};
use std::sync::{LazyLock, Mutex, PoisonError};

use tracing::error;

use crate::seldom::Seldom;

thread_local! {
    static CATCHING: Cell<Catching> = const { Cell::new(Catching::Nothing) };
    /// The last panic in what is run by [`catch`]. Looked at only where there was one.
    static KEPT: RefCell<Option<Panic>> = const { RefCell::new(None) };
}

/// What this thread does by [`catch`].
#[derive(Clone, Copy, PartialEq, Eq)]
enum Catching {
    Nothing,
    /// It runs what may panic.
    Quiet,
    /// It runs what has panicked.
    Panicked,
}

/// A panic, as far as it is known: nothing is where the program has a hook of its own.
#[derive(Debug, Default)]
pub struct Panic {
    /// Where in the code it was.
    pub location: Option<String>,
    /// What it said, where that stands in the code: what is made at run time may hold what a peer
    /// sent.
    pub payload: Option<&'static str>,
}

impl Panic {
    /// How often there was one at this place for `whom` since that was told last, where it is to be
    /// told now: once a minute, since any caller may cause it.
    pub fn due(&self, whom: &str) -> Option<u64> {
        let location = self.location.as_deref().unwrap_or_default();
        due(&format!("{whom} {location}"))
    }

    fn of(info: &PanicHookInfo<'_>) -> Self {
        let location = info.location().map(Location::to_string);
        Self { location, payload: info.payload().downcast_ref::<&'static str>().copied() }
    }

    fn log(&self) {
        if let Some(times) = self.due("") {
            error!(location = self.location, payload = self.payload, times, "panic");
        }
    }
}

/// Runs what may panic. Its panic is the caller's to log, who knows more of it.
pub fn catch<T>(run: impl FnOnce() -> T) -> Result<T, Panic> {
    let outer = CATCHING.replace(Catching::Quiet);
    let done = catch_unwind(AssertUnwindSafe(run));
    let catching = CATCHING.replace(outer);
    let panic = if catching == Catching::Panicked { KEPT.take() } else { None };
    match done {
        Err(_) => Err(panic.unwrap_or_default()),
        Ok(done) => {
            // It was caught in there.
            panic.iter().for_each(Panic::log);
            Ok(done)
        }
    }
}

/// Logs panics from now on, but for those that are caught by [`catch`].
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(|info| {
        if let Some(panic) = kept(Panic::of(info)) {
            panic.log();
        }
    }));
}

/// Keeps a panic for who catches it, and gives back the one that is to be logged now: this one where
/// nobody does, else one that came before.
fn kept(panic: Panic) -> Option<Panic> {
    if CATCHING.get() == Catching::Nothing {
        return Some(panic);
    }
    CATCHING.set(Catching::Panicked);
    KEPT.replace(Some(panic))
}

/// Once a minute for each place in the code.
fn due(place: &str) -> Option<u64> {
    static PANICS: LazyLock<Mutex<HashMap<String, Seldom>>> = LazyLock::new(Mutex::default);
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    panics.entry(place.to_owned()).or_default().due()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panics_of_one_place_do_not_hide_those_of_another() {
        for expected in [Some(1), None, None] {
            assert_eq!(due("src/one.rs:1:2"), expected);
        }
        assert_eq!(due("src/two.rs:1:2"), Some(1));
    }

    fn at(location: &str) -> Panic {
        Panic { location: Some(location.to_owned()), payload: None }
    }

    #[test]
    fn panics_are_kept_for_the_innermost_who_catches() {
        let caught = catch(|| {
            let inner = catch(|| {
                assert!(kept(at("inner")).is_none());
                std::panic::resume_unwind(Box::new(()));
            });
            assert_eq!(inner.map_err(|panic| panic.location), Err::<(), _>(Some("inner".into())));
            assert!(kept(at("outer")).is_none());
            assert_eq!(
                kept(at("last")).and_then(|before| before.location).as_deref(),
                Some("outer")
            );
            std::panic::resume_unwind(Box::new(()));
        });
        assert_eq!(caught.map_err(|panic| panic.location), Err::<(), _>(Some("last".into())));
        assert!(kept(at("nobody")).is_some());
    }

    #[test]
    fn same_panic_is_told_for_each_of_whom_it_was() {
        let panic = at("src/three.rs:1:2");
        assert_eq!(panic.due("one"), Some(1));
        assert_eq!(panic.due("another"), Some(1));
        assert_eq!(panic.due("one"), None);
    }
}
