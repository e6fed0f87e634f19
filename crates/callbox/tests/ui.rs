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

/// Where the cases are, if not in `tests/ui`.
const PLACE: &str = "UI_CASES";

#[test]
fn what_can_be_published_compiles() {
    TestCases::new().pass("tests/ui/pass/*.rs");
}

/// Each case fails to compile. How the compiler lays its words out depends on the length of the
/// path to the workspace, so the cases are run on copies, and what is compared is what it says.
#[test]
fn what_cannot_be_published_does_not_and_the_compiler_says_why() {
    if env::var_os("TRYBUILD").is_some() {
        let place = env::var_os(PLACE).map_or("tests/ui".into(), PathBuf::from);
        return TestCases::new().compile_fail(place.join("*.rs"));
    }
    let copies = copied_cases();
    let same = "what_cannot_be_published_does_not_and_the_compiler_says_why";
    let mut again = Command::new(env::current_exe().unwrap());
    again.args(["--exact", same]).env("TRYBUILD", "overwrite").env(PLACE, &copies);
    let ran = again.output().unwrap();
    assert!(ran.status.success(), "{ran:?}");

    let compiler = compiler();
    if !compiler.starts_with(COMPILER) || !HAS_THE_FEATURES {
        return eprintln!("this is {compiler} with its features: no message is compared");
    }
    for case in cases("tests/ui", "stderr") {
        let said = fs::read_to_string(copies.join(case.file_name().unwrap())).unwrap();
        assert_eq!(sentences(&said), sentences(&fs::read_to_string(&case).unwrap()), "{case:?}");
    }
}

/// What is wrong, and what to do: the errors' first lines and the notes on them.
fn sentences(said: &str) -> Vec<String> {
    let is_one = |line: &&str| line.starts_with("error") || line.starts_with("= note: ");
    said.lines().map(str::trim).filter(is_one).map(without_closure).collect()
}

/// The line without the place of a closure, which the compiler names it by.
fn without_closure(line: &str) -> String {
    match (line.find("closure@"), line.rfind('}')) {
        (Some(start), Some(end)) if start < end => format!("{}{}", &line[..start], &line[end..]),
        _ => line.to_owned(),
    }
}

fn compiler() -> String {
    let rustc = env::var_os("RUSTC").unwrap_or("rustc".into());
    let output = Command::new(rustc).arg("--version").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim_end().to_owned()
}

fn copied_cases() -> PathBuf {
    let copies = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ui");
    let _ = fs::remove_dir_all(&copies);
    fs::create_dir_all(&copies).unwrap();
    for case in cases("tests/ui", "rs") {
        fs::copy(&case, copies.join(case.file_name().unwrap())).unwrap();
    }
    copies
}

fn cases(place: &str, extension: &str) -> Vec<PathBuf> {
    let files = fs::read_dir(place).unwrap().map(|file| file.unwrap().path());
    files.filter(|file| file.extension().is_some_and(|own| own == extension)).collect()
}
