//! Tells the code which compiler it is compiled by.

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("--version").output().ok();
    let version = version.and_then(|told| String::from_utf8(told.stdout).ok()).unwrap_or_default();
    // Such as `rustc 1.85.0 (4d91de4e4 2025-02-17)`.
    let version = version.split(' ').nth(1).unwrap_or("unknown");
    println!("cargo:rustc-env=RUSTC_VERSION={}", version.trim());
    println!("cargo:rerun-if-changed=build.rs");
}
