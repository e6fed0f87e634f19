//! Files of PEM (RFC 7468), which certificates and keys come in.

use std::fmt;
use std::path::{Path, PathBuf};

use rustls_pki_types::pem::{self, Error, SectionKind};

use crate::file;

/// A section of a file, of a kind that is known.
pub(crate) struct Section {
    pub(crate) kind: SectionKind,
    pub(crate) der: Vec<u8>,
    /// Where it begins, from 1.
    pub(crate) line: usize,
}

/// A file cannot be used. Nothing of what stands in it is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct BadFile {
    path: PathBuf,
    line: Option<usize>,
    why: String,
}

impl BadFile {
    /// `path` cannot be used as a whole.
    pub(crate) fn new(path: &Path, why: impl fmt::Display) -> Self {
        Self { path: path.to_owned(), line: None, why: why.to_string() }
    }

    /// `path` cannot be used for what stands in `line`.
    pub(crate) fn at(path: &Path, line: usize, why: impl fmt::Display) -> Self {
        Self { line: Some(line), ..Self::new(path, why) }
    }
}

impl fmt::Display for BadFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, ", line {line}")?;
        }
        write!(f, ": {}", self.why)
    }
}

impl std::error::Error for BadFile {}

/// The sections of the file at `path`, those of unknown kinds left out.
pub(crate) fn read(path: &Path) -> Result<Vec<Section>, BadFile> {
    let read = file::bytes(path, file::MAX_FILE_BYTES);
    let (bytes, _) = read.map_err(|error| BadFile::new(path, error))?;
    let (mut rest, mut sections) = (bytes.as_slice(), Vec::new());
    loop {
        let before = rest;
        match pem::from_buf(&mut rest) {
            Ok(None) => return Ok(sections),
            Ok(Some((kind, der))) => {
                let line = begin(&bytes, bytes.len() - before.len());
                sections.push(Section { kind, der, line });
            }
            Err(error) => {
                let line = begin(&bytes, bytes.len() - before.len());
                return Err(BadFile::at(path, line, expected(&error)));
            }
        }
    }
}

/// The line of the first section that begins at `offset` or behind it.
fn begin(bytes: &[u8], offset: usize) -> usize {
    let is_begin = |line: &&[u8]| line.trim_ascii_start().starts_with(b"-----BEGIN");
    let lines_of = |bytes: &[u8]| bytes.iter().filter(|&&byte| byte == b'\n').count();
    let mut rest = bytes[offset..].split(|&byte| byte == b'\n');
    lines_of(&bytes[..offset]) + 1 + rest.position(|line| is_begin(&line)).unwrap_or(0)
}

fn expected(error: &Error) -> &'static str {
    match error {
        Error::MissingSectionEnd { .. } => "expected an END line for this section of PEM",
        Error::IllegalSectionStart { .. } => "expected a line that begins a section of PEM",
        _ => "expected Base64 in this section of PEM",
    }
}
