//! What the compiler says of functions that cannot be published, and that others can be.
//!
//! After a change of the messages, `TRYBUILD=overwrite` has the new ones written.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use trybuild::TestCases;

/// The compiler whose words the `.stderr` files hold; others say the same differently.
const COMPILER: &str = "rustc 1.95.0";

/// Whether the `.stderr` files list what a trait is implemented for, as it is with these features.
const HAS_THE_FEATURES: bool = cfg!(not(any(feature = "chrono", feature = "jiff")));

#[test]
fn what_can_be_published_compiles() {
    TestCases::new().pass("tests/ui/pass/*.rs");
}

#[test]
fn what_cannot_be_published_does_not_and_the_compiler_says_why() {
    let compiler = compiler();
    if compiler.starts_with(COMPILER) && HAS_THE_FEATURES {
        return TestCases::new().compile_fail("tests/ui/*.rs");
    }
    if env::var_os("TRYBUILD").is_some() {
        return TestCases::new().compile_fail(copied_cases().join("*.rs"));
    }
    eprintln!(
        "this is {compiler} with its features, not {COMPILER} without: no message is compared"
    );
    let same = "what_cannot_be_published_does_not_and_the_compiler_says_why";
    let mut again = Command::new(env::current_exe().unwrap());
    // Whatever the messages are, they become the expected ones of the copies.
    let status = again.args(["--exact", same, "--nocapture"]).env("TRYBUILD", "overwrite").status();
    assert!(status.unwrap().success());
}

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn copied_cases() -> PathBuf {
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    fs::create_dir_all(&copies).unwrap();
    for case in fs::read_dir("tests/ui").unwrap().map(|case| case.unwrap().path()) {
        if case.extension().is_some_and(|extension| extension == "rs") {
            fs::copy(&case, copies.join(case.file_name().unwrap())).unwrap();
        }
    }
    copies
}
