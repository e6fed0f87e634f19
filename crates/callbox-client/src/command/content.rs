//! What is in a file, or comes by stdin.

use std::fs;
use std::io::{self, Read};

use super::ending::Ending;
use super::options::usage;

/// The bytes that `@FILE` or `-` stands for; `None` where a word is neither.
pub(crate) fn of(word: &str) -> Result<Option<Vec<u8>>, Ending> {
    let (read, name) = match word.strip_prefix('@') {
        None if word == "-" => (stdin(), "stdin"),
        None => return Ok(None),
        Some(name) => (fs::read(name), name),
    };
    read.map(Some).map_err(|error| usage(format!("{name}: {error}")))
}

fn stdin() -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}
