//! Settings that every service has, and how settings are read: a command-line option,
//! else its environment variable, else its default.

mod value;

use std::ffi::OsString;
use std::io::{self, Write};
use std::time::Duration;

use clap::builder::OsStringValueParser;
use clap::error::ErrorKind;
use clap::{Args, Command, Parser, ValueEnum};

pub use value::{Listed, MAX_DEADLINE, deadline, delay, size};

use crate::access::AccessLog;
use crate::address::ListenAddr;
use crate::logging::{self, LogFormat};
use crate::probe;
use crate::share::Percent;
use value::{file_mode, memory};

/// The settings of a process, whatever its protocol.
#[derive(Debug, Clone, Args)]
pub struct ProcessSettings {
    /// How log lines are written to stderr
    #[arg(long, env, global = true, value_enum, default_value_t = LogFormat::Text, value_name = "FORMAT")]
    pub log_format: LogFormat,

    /// Which calls and connections the log has a line for
    #[arg(long, env, value_enum, default_value_t = AccessLog::Errors, value_name = "WHICH")]
    pub access_log: AccessLog,

    /// Whether stdout is told where the listeners are
    #[arg(long, env, value_enum, default_value_t = Announce::On, value_name = "WHETHER")]
    pub announce: Announce,

    /// Connections served at once, over all listeners; further peers are refused
    #[arg(long, env, value_parser = clap::value_parser!(u32).range(1..), default_value_t = MAX_CONNECTIONS, value_name = "COUNT")]
    pub max_connections: u32,

    /// Memory that the process may take; by default what its control group or the machine has.
    /// Budgets for peers follow it
    #[arg(long, env, value_parser = memory, value_name = "BYTES")]
    pub max_memory: Option<usize>,

    /// Most of the connections that one address may have, where there are calls or accounts also of
    /// those in work; not loopback addresses
    #[arg(long, env, default_value_t = Percent::HALF, value_name = "PERCENT")]
    pub max_share: Percent,

    /// Permissions of the files of Unix sockets, octal
    #[arg(long, env, value_parser = file_mode, default_value = "660", value_name = "MODE")]
    pub unix_mode: u32,

    /// How long a stop is announced, by readiness and Connection: close, before nobody is accepted
    #[arg(long, env, value_parser = delay, default_value = "0s", value_name = "TIME")]
    pub drain_delay: Duration,

    /// How long a stop waits for what is in flight
    #[arg(long, env, value_parser = deadline, default_value = "10s", value_name = "TIME")]
    pub drain_deadline: Duration,
}

/// Whether the `listening ROLE ADDR` lines are written to stdout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Announce {
    /// After the bind.
    On,
    /// The log tells of it too.
    Off,
}

/// Connections at once, unless a service is told otherwise.
const MAX_CONNECTIONS: u32 = 10_000;

impl Default for ProcessSettings {
    fn default() -> Self {
        Self {
            log_format: LogFormat::Text,
            access_log: AccessLog::Errors,
            announce: Announce::On,
            max_connections: MAX_CONNECTIONS,
            max_memory: None,
            max_share: Percent::HALF,
            unix_mode: 0o660,
            drain_delay: Duration::ZERO,
            drain_deadline: Duration::from_secs(10),
        }
    }
}

/// The subcommand that asks the running service on its admin port whether it is alive.
const HEALTHCHECK: &str = "healthcheck";

/// The option that says where the admin port is, of which every service has one.
const ADMIN_LISTEN: &str = "admin_listen";

/// A subcommand that does something else than serve, and ends the process.
#[derive(Debug, Clone, Copy)]
pub struct Subcommand {
    /// What it is called.
    pub name: &'static str,
    /// What it does, for `--help`.
    pub about: &'static str,
    /// The id of the option without which there is no such subcommand.
    pub option: &'static str,
    /// Does it. An error is told in a line and ends the process with 2, else that ends with 0.
    pub run: fn() -> Result<(), String>,
}

/// Parses the command line and the environment into `T`. Help and version end the process
/// with 0, a bad setting ends it with 2 and one line. Where `T` has the admin port, there is
/// the subcommand `healthcheck`, which ends the process with 0 or 1.
pub fn parse<T: Parser>() -> T {
    parse_with(&[])
}

/// The same with those of `subcommands` whose option `T` has.
pub fn parse_with<T: Parser>(subcommands: &[Subcommand]) -> T {
    let command = with_healthcheck(without_empty_env(T::command()));
    let command = subcommands.iter().fold(command, with_subcommand);
    if let Some(admin) = asked_for_health(&command) {
        check_health(&admin);
    }
    let mut matches = command.try_get_matches().unwrap_or_else(|error| end(&error));
    let own = |subcommand: &&Subcommand| matches.subcommand_name() == Some(subcommand.name);
    if let Some(subcommand) = subcommands.iter().find(own) {
        run(subcommand);
    }
    T::from_arg_matches_mut(&mut matches).unwrap_or_else(|error| end(&error))
}

fn with_healthcheck(command: Command) -> Command {
    if command.get_arguments().all(|arg| arg.get_id() != ADMIN_LISTEN) {
        return command;
    }
    let about = "Ask the running service on its admin port whether it is alive, and exit 0 or 1";
    beside_serving(command, Command::new(HEALTHCHECK).about(about))
}

fn with_subcommand(command: Command, subcommand: &Subcommand) -> Command {
    if command.get_arguments().all(|arg| arg.get_id() != subcommand.option) {
        return command;
    }
    beside_serving(command, Command::new(subcommand.name).about(subcommand.about))
}

fn beside_serving(command: Command, subcommand: Command) -> Command {
    command
        .subcommand(subcommand)
        // What serving requires, asking does not.
        .subcommand_negates_reqs(true)
        .disable_help_subcommand(true)
}

fn run(subcommand: &Subcommand) -> ! {
    match (subcommand.run)() {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            std::process::exit(2)
        }
    }
}

/// Where the admin port is, if that is to be asked: the other settings may be as bad as they like.
fn asked_for_health(command: &Command) -> Option<ListenAddr> {
    let lenient = command.clone().mut_args(|arg| {
        if arg.get_id() == ADMIN_LISTEN {
            return arg;
        }
        let arg = arg.env(None::<&str>);
        let takes_values = arg.get_action().takes_values();
        if takes_values { arg.value_parser(OsStringValueParser::new()) } else { arg }
    });
    let matches = lenient.try_get_matches().ok()?;
    if matches.subcommand_name() != Some(HEALTHCHECK) {
        return None;
    }
    matches.try_get_one(ADMIN_LISTEN).ok().flatten().cloned()
}

fn check_health(admin: &ListenAddr) -> ! {
    match probe::is_alive(admin) {
        Ok(()) => std::process::exit(0),
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {admin}: {error}");
            std::process::exit(1)
        }
    }
}

/// An empty environment value counts as unset: Compose makes such of unset variables.
fn without_empty_env(command: Command) -> Command {
    command.mut_args(|arg| {
        let is_empty = |name| std::env::var_os(name).is_some_and(|value| value.is_empty());
        if arg.get_env().is_some_and(is_empty) { arg.env(None::<&str>) } else { arg }
    })
}

fn end(error: &clap::Error) -> ! {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        error.exit();
    }
    let text = error.to_string();
    let first_paragraph = text.lines().take_while(|line| !line.is_empty()).map(str::trim);
    let line = first_paragraph.collect::<Vec<_>>().join(" ");
    let reason = line.strip_prefix("error: ").unwrap_or(&line);
    let format = wanted_format(std::env::args_os(), std::env::var_os("LOG_FORMAT"));
    logging::tell_failed_start(format, reason);
    logging::flush();
    std::process::exit(2)
}

/// The log's format as far as it is known where the settings cannot be read: the last one that the
/// command line names, else that of the environment, else text.
fn wanted_format(args: impl IntoIterator<Item = OsString>, env: Option<OsString>) -> LogFormat {
    let args = args.into_iter().map(|arg| arg.to_string_lossy().into_owned());
    let mut args = args.take_while(|arg| arg != "--");
    let mut named = None;
    while let Some(arg) = args.next() {
        match arg.strip_prefix("--log-format") {
            Some("") => named = args.next(),
            Some(value) if value.starts_with('=') => named = Some(value[1..].to_owned()),
            _ => {}
        }
    }
    let named = named.or_else(|| env.map(|value| value.to_string_lossy().into_owned()));
    let format = named.and_then(|name| LogFormat::from_str(&name, false).ok());
    format.unwrap_or(LogFormat::Text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn format_is_known_where_the_settings_are_not() {
        use LogFormat::{Json, Text};
        let check = |args: &str, env: Option<&str>, expected| {
            let format = wanted_format(args.split(' ').map(OsString::from), env.map(Into::into));
            assert_eq!(format, expected, "{args} {env:?}");
        };
        check("svc", None, Text);
        check("svc", Some("json"), Json);
        check("svc --colour --log-format json", None, Json);
        check("svc --log-format=json serve", Some("text"), Json);
        check("svc --log-format text", Some("json"), Text);
        check("svc --log-format text --log-format json", None, Json);
        check("svc --log-format", Some("json"), Json);
        check("svc --log-format xml", Some("json"), Text);
        check("svc --log-formats=json -- --log-format json", None, Text);
    }
}
