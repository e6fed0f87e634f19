//! The words of a command line: which of them are options, and what these set.

use std::ffi::OsString;
use std::time::Duration;

use super::ending::Ending;
use super::options::{Action, Form, Options, usage};

/// A command line whose options are set, and whose other words are left to be understood.
pub(crate) struct Line {
    pub(crate) options: Options,
    pub(crate) words: Vec<String>,
    pub(crate) asks_help: bool,
}

impl Line {
    pub(crate) fn read(words: impl IntoIterator<Item = OsString>) -> Result<Self, Ending> {
        let line = Self { options: Options::default(), words: Vec::new(), asks_help: false };
        let mut reading = Reading { rest: words.into_iter(), line, is_over: false };
        while let Some(word) = reading.next()? {
            reading.take(word)?;
        }
        Ok(reading.line)
    }
}

/// A command line, half read.
struct Reading<I> {
    rest: I,
    line: Line,
    /// Whether `--` has come.
    is_over: bool,
}

impl<I: Iterator<Item = OsString>> Reading<I> {
    fn next(&mut self) -> Result<Option<String>, Ending> {
        let word = self.rest.next().map(OsString::into_string).transpose();
        word.map_err(|_| usage("expected words in UTF-8; a file may hold anything: @FILE"))
    }

    fn take(&mut self, word: String) -> Result<(), Ending> {
        if self.is_over || !is_option(&word) {
            self.line.words.push(word);
            return Ok(());
        }
        let (name, value) = match word.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ if word.len() > 2 && word.starts_with("-u") => ("-u", Some(word[2..].to_owned())),
            _ => (word.as_str(), None),
        };
        if let Some(set) = flag(name) {
            return match value {
                None => {
                    set(self);
                    Ok(())
                }
                Some(_) => Err(usage(format!("{name} takes no value"))),
            };
        }
        self.take_value(name, value)
    }

    fn take_value(&mut self, name: &str, value: Option<String>) -> Result<(), Ending> {
        if !["-u", "--user", "--token-file", "--cacert", "--cert", "--key", "--timeout"]
            .contains(&name)
        {
            return Err(usage(format!(
                "{name} is no option; -- stands before an argument that looks like one"
            )));
        }
        let value = match value {
            Some(value) => value,
            None => self.next()?.ok_or_else(|| usage(format!("{name} needs a value")))?,
        };
        match name {
            "-u" | "--user" => self.line.options.user = Some(user(value)?),
            "--token-file" => self.line.options.token_file = Some(value.into()),
            "--cacert" => self.line.options.cacert = Some(value.into()),
            "--cert" => self.line.options.cert = Some(value.into()),
            "--key" => self.line.options.key = Some(value.into()),
            _ => self.line.options.timeout = Some(time(&value)?),
        }
        Ok(())
    }
}

/// What an option does that takes no value.
fn flag<I>(name: &str) -> Option<fn(&mut Reading<I>)> {
    Some(match name {
        "--" => |reading| reading.is_over = true,
        "-h" | "--help" => |reading| reading.line.asks_help = true,
        "-V" | "--version" => |reading| reading.line.options.action = Action::Version,
        "-v" | "--verbose" => |reading| reading.line.options.is_verbose = true,
        "--json" => |reading| reading.line.options.form = Form::Json,
        "--raw" => |reading| reading.line.options.form = Form::Raw,
        "--struct" => |reading| reading.line.options.is_struct = true,
        _ => return None,
    })
}

/// Whether a word is an option: negative numbers are none, and neither is `-`.
fn is_option(word: &str) -> bool {
    let begins_number = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    word.strip_prefix('-').is_some_and(|rest| !rest.is_empty() && !begins_number(rest))
}

/// A password that is an argument is seen by everybody on the machine.
fn user(name: String) -> Result<String, Ending> {
    match name.contains(':') {
        true => {
            Err(usage("-u takes a user alone; the password is asked for, or in a --token-file"))
        }
        false => Ok(name),
    }
}

fn time(text: &str) -> Result<Duration, Ending> {
    let bad = || usage("expected a --timeout such as 5s, 300ms or 2m");
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let unit = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => return Err(bad()),
    };
    let seconds = number.parse::<f64>().map_err(|_| bad())? * unit;
    let time = Duration::try_from_secs_f64(seconds).map_err(|_| bad())?;
    if time.is_zero() { Err(bad()) } else { Ok(time) }
}
