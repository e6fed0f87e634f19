//! The methods that CPython's own tests of its XML-RPC server call; see `tests/cpython_suite.py`.

use std::process::ExitCode;

use callbox::{Fault, Registry, Value, serve};

fn main() -> ExitCode {
    let mut registry = Registry::new();
    registry.add("pow", "A number to the power of another.", |base: i64, exponent: u32| {
        base.checked_pow(exponent).ok_or_else(overflow)
    });
    registry
        .add("add", "The sum of two numbers, or two strings joined.", |a: i64, b: i64| {
            a.checked_add(b).ok_or_else(overflow)
        })
        .or(|a: String, b: String| a + &b);
    registry.add("div", "This is the div function", |a: i64, b: i64| {
        a.checked_div_euclid(b).ok_or_else(|| Fault::application("division by zero"))
    });
    registry.add("my_function", "This is my function", || true);
    registry.add("têšt", "Returns its argument.", |value: Value| value);
    registry.add("Fixture.getData", "The answer.", || "42");
    serve(registry)
}

fn overflow() -> Fault {
    Fault::application("the result is beyond 64 bits")
}
