//! Files that operators write: read whole or not at all, and told of in one line where something is
//! wrong.

use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read};
use std::ops::Range;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

/// Others, who are neither the owner nor of the group, may read the file.
const OTHERS_READ: u32 = 0o004;

/// Most bytes of a file that is read by [`read`].
pub const MAX_FILE_BYTES: u64 = 16 << 20;

/// Who can read what is secret in a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Secrets {
    /// Its owner, and a group.
    Kept,
    /// Everybody on this machine.
    Shown,
}

/// What is wrong with a file, as one line with what was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileError {
    path: PathBuf,
    line: Option<usize>,
    what: String,
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.path.display())?;
        if let Some(line) = self.line {
            write!(f, "{line}:")?;
        }
        write!(f, " {}", self.what)
    }
}

impl std::error::Error for FileError {}

/// What is wrong, and where in the text. Never with what may be a secret.
#[derive(Debug)]
pub struct Mistake {
    at: Option<usize>,
    what: String,
}

impl Mistake {
    /// One that stands there.
    pub fn at(span: Range<usize>, what: impl Into<String>) -> Self {
        Self::somewhere(Some(span), &what.into())
    }

    /// One of the whole file.
    pub fn of_all(what: impl Into<String>) -> Self {
        Self::somewhere(None, &what.into())
    }

    /// That the text is no TOML, as its parser tells it.
    pub fn no_toml(span: Option<Range<usize>>, message: &str) -> Self {
        Self::somewhere(span, &format!("expected TOML: {}", message.replace('\n', ", ")))
    }

    fn somewhere(span: Option<Range<usize>>, what: &str) -> Self {
        // One line, whatever the file's own words are.
        let what = what.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        Self { at: span.map(|span| span.start), what }
    }

    /// The number of its line in `text`, if it has one.
    pub fn line(&self, text: &str) -> Option<usize> {
        self.at.map(|at| line(text.as_bytes(), at))
    }

    /// What is wrong, and what was expected.
    pub fn what(&self) -> &str {
        &self.what
    }
}

/// What `parse` makes of the text in the file at `path`, which is to be `expected`, and who can read
/// it.
pub fn read<T>(
    path: &Path,
    expected: &str,
    parse: impl FnOnce(&str) -> Result<T, Mistake>,
) -> Result<(T, Secrets), FileError> {
    let error = |line, what| FileError { path: path.to_owned(), line, what };
    let (bytes, secrets) = bytes(path, MAX_FILE_BYTES)
        .map_err(|cause| error(None, format!("expected {expected}: {cause}")))?;
    let text = std::str::from_utf8(&bytes).map_err(|cause| {
        error(Some(line(&bytes, cause.valid_up_to())), "expected UTF-8".to_owned())
    })?;
    let parsed = parse(text).map_err(|mistake| error(mistake.line(text), mistake.what))?;
    Ok((parsed, secrets))
}

/// The bytes of a file of at most `max_bytes`, and who can read it.
pub fn bytes(path: &Path, max_bytes: u64) -> io::Result<(Vec<u8>, Secrets)> {
    refuse_named_pipe(path)?;
    let (file, mut bytes) = (File::open(path)?, Vec::new());
    let is_shown = file.metadata()?.mode() & OTHERS_READ != 0;
    file.take(max_bytes + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > max_bytes {
        return Err(io::Error::other(format!("it has over {max_bytes} bytes")));
    }
    Ok((bytes, if is_shown { Secrets::Shown } else { Secrets::Kept }))
}

/// An error where `path` is a named pipe: opened, it would keep us waiting for a writer, at a reload
/// with every signal behind it. Not so the pipe that a shell makes of `<(...)`: that one has no name,
/// and its writer is there.
pub fn refuse_named_pipe(path: &Path) -> io::Result<()> {
    let meant = fs::canonicalize(path).and_then(fs::symlink_metadata);
    if meant.is_ok_and(|meant| meant.file_type().is_fifo()) {
        return Err(io::Error::other("it is a named pipe"));
    }
    Ok(())
}

/// The number of the line in which the byte `at` is.
fn line(text: &[u8], at: usize) -> usize {
    1 + text.iter().take(at).filter(|&&byte| byte == b'\n').count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::Permissions;
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::PermissionsExt;
    use std::process::{Command, Stdio};

    /// A file that goes at the end.
    struct Written(PathBuf);

    impl Written {
        fn new(name: &str, bytes: &[u8]) -> Self {
            let name = format!("svc-runtime-{name}-{}", std::process::id());
            let path = std::env::temp_dir().join(name);
            fs::write(&path, bytes).unwrap();
            Self(path)
        }
    }

    impl Drop for Written {
        fn drop(&mut self) {
            let _ = fs::remove_file(&self.0);
        }
    }

    #[test]
    fn mistake_is_one_line_with_its_place() {
        let file = Written::new("mistake", b"a\nb\nc");
        let told = |mistake: fn() -> Mistake| {
            let told = read(&file.0, "letters", |_| Err::<(), _>(mistake())).unwrap_err();
            told.to_string().replace(&file.0.display().to_string(), "FILE")
        };
        assert_eq!(told(|| Mistake::at(2..3, "b: expected\n1")), "FILE:2: b: expected 1");
        assert_eq!(told(|| Mistake::of_all("expected more")), "FILE: expected more");
        assert_eq!(told(|| Mistake::no_toml(Some(4..5), "x\ny")), "FILE:3: expected TOML: x, y");
    }

    #[test]
    fn file_that_is_not_there_or_no_text_is_told() {
        let file = Written::new("bytes", b"a\n\xff");
        let told = |path: &Path| read(path, "letters", |_| Ok(())).unwrap_err().to_string();
        assert_eq!(told(&file.0), format!("{}:2: expected UTF-8", file.0.display()));
        let missing = told(Path::new("/nowhere/at/all"));
        assert!(missing.starts_with("/nowhere/at/all: expected letters: "), "{missing}");
    }

    #[test]
    fn file_over_its_limit_is_refused() {
        let file = Written::new("large", b"12345");
        assert_eq!(bytes(&file.0, 5).unwrap().0, b"12345");
        assert_eq!(bytes(&file.0, 4).unwrap_err().to_string(), "it has over 4 bytes");
    }

    #[test]
    fn named_pipe_is_refused_and_one_without_a_name_read() {
        let path = std::env::temp_dir().join(format!("svc-runtime-pipe-{}", std::process::id()));
        let made = Command::new("mkfifo").arg(&path).status();
        assert!(made.unwrap().success());
        let link = Written(path.with_extension("link"));
        std::os::unix::fs::symlink(&path, &link.0).unwrap();
        for path in [&path, &link.0] {
            assert_eq!(bytes(path, 5).unwrap_err().to_string(), "it is a named pipe");
        }
        fs::remove_file(&path).unwrap();

        let mut writer =
            Command::new("printf").arg("12345").stdout(Stdio::piped()).spawn().unwrap();
        let path =
            PathBuf::from(format!("/dev/fd/{}", writer.stdout.as_ref().unwrap().as_raw_fd()));
        writer.wait().unwrap();
        assert_eq!(bytes(&path, 5).unwrap().0, b"12345");
    }

    #[test]
    fn file_tells_who_reads_it() {
        let file = Written::new("mode", b"");
        for (mode, secrets) in [
            (0o600, Secrets::Kept),
            (0o640, Secrets::Kept),
            (0o644, Secrets::Shown),
            (0o604, Secrets::Shown),
        ] {
            fs::set_permissions(&file.0, Permissions::from_mode(mode)).unwrap();
            assert_eq!(bytes(&file.0, 0).unwrap().1, secrets, "{mode:o}");
        }
    }
}
