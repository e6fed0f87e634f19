//! The settings of a program that publishes functions.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, ValueEnum};
use protocol::xmlrpc::{Limits, MAX_VALUE_DEPTH};
use svc_runtime::address::ListenAddr;
use svc_runtime::file::FileError;
use svc_runtime::http::HttpDeadlines;
use svc_runtime::metrics::Metrics;
use svc_runtime::network::Network;
use svc_runtime::settings::{MAX_DEADLINE, ProcessSettings, deadline, parse_with, size};
use svc_runtime::share::Percent;
use svc_runtime::tls::TlsSettings;

use crate::accounts::{Accounts, MEMORY, SUBCOMMANDS};
use crate::edge::access::Watch;
use crate::edge::body::{BodyLimits, MAX_BODY_BYTES};
use crate::edge::budget::MAX_BODIES_BYTES;
use crate::edge::memory::CallMemory;
use crate::edge::{AllowedHost, CallLimits};
use crate::registry::PublishLimits;
use crate::registry::multicall::MAX_MULTICALL_ENTRIES;

/// Functions on threads of their own at once, unless a service is told otherwise.
const MAX_BLOCKING_CALLS: u32 = 64;

/// Most threads that can be set: tokio has no more beside those that serve, and others need some.
const MAX_THREADS: i64 = 448;

/// Most bytes of bodies that can be set.
const MAX_BYTES: usize = 1_073_741_824;

/// Calls in work at once, unless a service is told otherwise.
const MAX_CALLS: u32 = 1024;

/// Each of the deadlines for a peer, unless a service is told otherwise.
const DEADLINE: Duration = Duration::from_secs(30);

/// What takes longer is logged, unless a service is told otherwise.
const SLOW_CALL: Duration = Duration::from_secs(1);

/// Where a service listens, and where its health is asked, unless it is told otherwise.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 5022);
const ADMIN_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 9022);

/// Parses the command line and the environment into `T`. Help and version end the process with 0, a
/// bad setting ends it with 2 and one line. Where [`Settings`] are flattened into `T`, there are the
/// subcommands `healthcheck`, `hash-password` and `new-token`, which end the process too.
pub fn parse<T: Parser>() -> T {
    parse_with(&SUBCOMMANDS)
}

/// The settings of a program that publishes functions. They can be flattened into clap options of
/// one's own, which [`parse`](crate::parse) reads; or start from the default and be changed.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct Settings {
    /// Where to listen; a list
    #[arg(
        long,
        env = "LISTEN_ADDR",
        value_delimiter = ',',
        default_values_t = [ListenAddr::Inet(LISTEN)],
        value_name = "ADDR"
    )]
    pub listen: Vec<ListenAddr>,

    /// Where health and readiness are asked
    #[arg(
        long,
        env = "ADMIN_ADDR",
        global = true,
        default_value_t = ListenAddr::Inet(ADMIN_LISTEN),
        value_name = "ADDR"
    )]
    pub admin_listen: ListenAddr,

    /// Where TLS is spoken.
    #[command(flatten)]
    pub tls: TlsSettings,

    /// Hosts that requests may be for, a list, * for any; by default those of this machine where
    /// nobody else can connect, else any
    #[arg(long, env, value_delimiter = ',', value_name = "HOST")]
    pub allow_host: Vec<AllowedHost>,

    /// Proxies that are believed in whose name they call (X-Forwarded-For), a list
    #[arg(long, env, value_delimiter = ',', value_name = "CIDR")]
    pub trust_forwarded: Vec<Network>,

    /// Who may call.
    #[command(flatten)]
    pub accounts: AccountsSettings,

    /// Whether calls are taken by JSON-RPC and JSON too
    #[arg(long, env, value_enum, default_value_t = Switch::On, value_name = "WHETHER")]
    pub json: Switch,

    /// Whether browsers are shown a page, from which to call what they may
    #[arg(long, env, value_enum, default_value_t = Switch::On, value_name = "WHETHER")]
    pub page: Switch,

    /// Calls that take longer are logged
    #[arg(long, env, value_parser = deadline, default_value = "1s", value_name = "TIME")]
    pub slow_call: Duration,

    /// What a peer may take of us.
    #[command(flatten)]
    pub limits: PeerLimits,

    /// What every service has.
    #[command(flatten)]
    pub process: ProcessSettings,
}

/// Whether a door is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It is.
    On,
    /// It is as if there were none.
    Off,
}

/// Who may call.
#[derive(Debug, Clone, Args)]
#[non_exhaustive]
pub struct AccountsSettings {
    /// The accounts that may call, a TOML file; without it nobody is asked who they are
    #[arg(long, env = "ACCOUNTS_FILE", value_name = "FILE")]
    pub accounts: Option<PathBuf>,

    /// How long a good password is remembered, so that no hash of it is made again
    #[arg(long, env, value_parser = deadline, default_value = "5m", value_name = "TIME")]
    pub accounts_memory: Duration,
}

/// What a peer may take of the service. What a program sets beyond what the command line takes
/// counts as the most that it takes.
#[derive(Debug, Clone, Copy, Args)]
#[non_exhaustive]
pub struct PeerLimits {
    /// Largest body of a request
    #[arg(long, env, value_parser = body_bytes, default_value_t = MAX_BODY_BYTES, value_name = "BYTES")]
    pub max_body_bytes: usize,

    /// Bytes that all bodies in work may take together; further ones wait, then get a 503
    #[arg(long, env, value_parser = body_bytes, default_value_t = MAX_BODIES_BYTES, value_name = "BYTES")]
    pub max_bodies_bytes: usize,

    /// Deepest nesting of values
    #[arg(long, env, value_parser = depth, default_value_t = Limits::default().depth, value_name = "COUNT")]
    pub max_depth: usize,

    /// Most calls in one system.multicall, or batch
    #[arg(long, env, default_value_t = MAX_MULTICALL_ENTRIES, value_name = "COUNT")]
    pub max_multicall_entries: usize,

    /// Calls in work at once; further ones wait a little, then get a 503
    #[arg(long, env, value_parser = clap::value_parser!(u32).range(1..), default_value_t = MAX_CALLS, value_name = "COUNT")]
    pub max_calls: u32,

    /// Methods at once that block a thread; further calls of such get a 503
    #[arg(long, env, value_parser = clap::value_parser!(u32).range(1..=MAX_THREADS), default_value_t = MAX_BLOCKING_CALLS, value_name = "COUNT")]
    pub max_blocking_calls: u32,

    /// How long a request's head may take, and a kept connection be idle
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub header_deadline: Duration,

    /// How long a request's body may take
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub body_deadline: Duration,

    /// How long a method may take
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub method_deadline: Duration,

    /// How long a peer may go without reading its response
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub write_deadline: Duration,

    /// How long a connection is kept, give or take a tenth; by default as long as it is used
    #[arg(long, env, value_parser = deadline, value_name = "TIME")]
    pub max_connection_age: Option<Duration>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            listen: vec![LISTEN.into()],
            admin_listen: ADMIN_LISTEN.into(),
            tls: TlsSettings::default(),
            allow_host: Vec::new(),
            trust_forwarded: Vec::new(),
            accounts: AccountsSettings::default(),
            json: Switch::On,
            page: Switch::On,
            slow_call: SLOW_CALL,
            limits: PeerLimits::default(),
            process: ProcessSettings::default(),
        }
    }
}

impl Settings {
    /// What is told where a call ends, and counted in `metrics`.
    pub(crate) fn watch(&self, metrics: &Metrics) -> Watch {
        Watch::new(self.process.access_log, self.slow_call, metrics)
    }
}

impl Default for AccountsSettings {
    fn default() -> Self {
        Self { accounts: None, accounts_memory: MEMORY }
    }
}

impl AccountsSettings {
    /// Reads the accounts, if anybody is to be asked.
    pub(crate) fn read(&self) -> Result<Option<Accounts>, FileError> {
        let memory = self.accounts_memory.min(MAX_DEADLINE);
        self.accounts.clone().map(|path| Accounts::read(path, memory)).transpose()
    }
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            max_body_bytes: MAX_BODY_BYTES,
            max_bodies_bytes: MAX_BODIES_BYTES,
            max_depth: Limits::DEFAULT.depth,
            max_multicall_entries: MAX_MULTICALL_ENTRIES,
            max_calls: MAX_CALLS,
            max_blocking_calls: MAX_BLOCKING_CALLS,
            header_deadline: DEADLINE,
            body_deadline: DEADLINE,
            method_deadline: DEADLINE,
            write_deadline: DEADLINE,
            max_connection_age: None,
        }
    }
}

impl PeerLimits {
    /// What `bytes` of memory are for.
    pub(crate) fn memory(&self, bytes: usize) -> CallMemory {
        let bodies = self.max_bodies_bytes.min(MAX_BYTES);
        CallMemory::new(bytes, bodies, self.max_body_bytes.min(MAX_BYTES))
    }

    /// The part that holds for what is published.
    pub(crate) fn publish(&self, memory: CallMemory) -> PublishLimits {
        PublishLimits {
            multicall_entries: self.max_multicall_entries,
            blocking_calls: self.max_blocking_calls as usize,
            result_bytes: memory.results,
        }
    }

    /// The part that holds for a call.
    pub(crate) fn call(&self, memory: CallMemory, share: Percent, json: Switch) -> CallLimits {
        CallLimits {
            calls: self.max_calls as usize,
            share,
            memory,
            body: BodyLimits {
                bytes: self.max_body_bytes.min(memory.bodies.large),
                deadline: self.body_deadline.min(MAX_DEADLINE),
            },
            document: Limits { depth: self.max_depth.min(MAX_VALUE_DEPTH), ..Limits::default() },
            batch: self.max_multicall_entries,
            is_json_open: json == Switch::On,
            deadline: self.method_deadline.min(MAX_DEADLINE),
        }
    }

    /// The part that holds for a connection.
    pub(crate) fn http(&self) -> HttpDeadlines {
        HttpDeadlines {
            header: self.header_deadline.min(MAX_DEADLINE),
            write: self.write_deadline.min(MAX_DEADLINE),
            age: self.max_connection_age.map(|age| age.min(MAX_DEADLINE)),
        }
    }
}

fn body_bytes(text: &str) -> Result<usize, String> {
    size(text, 1..=MAX_BYTES)
}

fn depth(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(depth) if (1..=MAX_VALUE_DEPTH).contains(&depth) => Ok(depth),
        _ => Err(format!("expected a number from 1 to {MAX_VALUE_DEPTH}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::{Command, FromArgMatches};

    #[test]
    fn defaults_are_those_of_the_command_line() {
        let command = Settings::augment_args(Command::new("test"));
        let matches = command.mut_args(|arg| arg.env(None::<&str>)).get_matches_from(["test"]);
        let parsed = Settings::from_arg_matches(&matches).unwrap();
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Settings::default()));
    }
}
