//! A panic is a log line like any other.

use std::collections::HashMap;
use std::panic::{Location, PanicHookInfo};
use std::sync::{LazyLock, Mutex, PoisonError};

use tracing::error;

use crate::seldom::Seldom;

/// Logs panics from now on. Only a message that stands in the code is logged: one made at run time
/// may hold what a peer sent.
pub(super) fn install_hook() {
    std::panic::set_hook(Box::new(log));
}

fn log(panic: &PanicHookInfo<'_>) {
    let location = panic.location().map(Location::to_string);
    let message = panic.payload().downcast_ref::<&'static str>();
    if let Some(times) = due(location.as_deref().unwrap_or_default()) {
        error!(location, message, times, "panic");
    }
}

/// Once a minute for each place in the code, since any caller may cause it.
fn due(location: &str) -> Option<u64> {
    static PANICS: LazyLock<Mutex<HashMap<String, Seldom>>> = LazyLock::new(Mutex::default);
    let mut panics = PANICS.lock().unwrap_or_else(PoisonError::into_inner);
    panics.entry(location.to_owned()).or_default().due()
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
}
