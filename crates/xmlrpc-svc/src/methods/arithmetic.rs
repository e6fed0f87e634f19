//! `addition` and `subtraction`.

use callbox::{Fault, Registry, Value};

/// Publishes the group.
pub fn add(registry: &mut Registry) {
    registry
        .add("addition", "Adds two numbers, or joins two strings or two arrays.", add_integers)
        .or(|a: f64, b: f64| a + b)
        .or(|a: String, b: String| a + &b)
        .or(|a: Vec<Value>, b: Vec<Value>| [a, b].concat())
        .names(["a", "b"]);
    registry
        .add("subtraction", "Subtracts the second number from the first.", subtract_integers)
        .or(|a: f64, b: f64| a - b)
        .names(["a", "b"]);
}

fn add_integers(a: i64, b: i64) -> Result<i64, Fault> {
    a.checked_add(b).ok_or_else(overflow)
}

fn subtract_integers(a: i64, b: i64) -> Result<i64, Fault> {
    a.checked_sub(b).ok_or_else(overflow)
}

fn overflow() -> Fault {
    Fault::application("the result is beyond 64 bits")
}
