//! The settings of this service.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser};
use protocol::command::MAX_COMMAND_BYTES;
use svc_runtime::address::ListenAddr;
use svc_runtime::settings::{ProcessSettings, deadline, size};
use svc_runtime::tls::TlsSettings;

use crate::pace::Rate;

/// Answers text commands (hello, time, goodbye, help) over TCP
#[derive(Debug, Parser)]
#[command(version)]
pub struct Config {
    /// Where to listen; a list
    #[arg(
        long,
        env = "LISTEN_ADDR",
        value_delimiter = ',',
        default_value = "127.0.0.1:5004",
        value_name = "ADDR"
    )]
    pub listen: Vec<ListenAddr>,

    /// Where health and readiness are asked
    #[arg(
        long,
        env = "ADMIN_ADDR",
        global = true,
        default_value = "127.0.0.1:9004",
        value_name = "ADDR"
    )]
    pub admin_listen: ListenAddr,

    /// Where TLS is spoken.
    #[command(flatten)]
    pub tls: TlsSettings,

    /// File of commands of one's own, and of other names for those that are there
    #[arg(long, env = "COMMANDS_FILE", value_name = "FILE")]
    pub commands: Option<PathBuf>,

    /// Where datagrams are answered.
    #[command(flatten)]
    pub udp: UdpSettings,

    /// What a peer may take of us.
    #[command(flatten)]
    pub limits: Limits,

    /// What every service has.
    #[command(flatten)]
    pub process: ProcessSettings,
}

/// Where commands are answered by UDP, and how many.
#[derive(Debug, Clone, Args)]
pub struct UdpSettings {
    /// Where commands are answered by UDP too, a datagram each; a list
    #[arg(long, env = "UDP_LISTEN_ADDR", value_parser = udp_addr, value_delimiter = ',', value_name = "ADDR")]
    pub udp_listen: Vec<ListenAddr>,

    /// Replies a second to one address by UDP, or off for any number
    #[arg(long, env, default_value = "20", value_name = "COUNT")]
    pub udp_rate: Rate,
}

fn udp_addr(text: &str) -> Result<ListenAddr, String> {
    match text.parse() {
        Ok(addr @ (ListenAddr::Inet(_) | ListenAddr::Host(..))) => Ok(addr),
        _ => Err("expected IP:PORT or HOST:PORT".to_owned()),
    }
}

/// What one peer may take of the service.
#[derive(Debug, Clone, Copy, Args)]
pub struct Limits {
    /// Longest command, without its line end
    #[arg(long, env, value_parser = command_bytes, default_value_t = MAX_COMMAND_BYTES, value_name = "BYTES")]
    pub max_command_bytes: usize,

    /// How long a bare word at the start waits for its line end
    #[arg(long, env, value_parser = deadline, default_value = "300ms", value_name = "TIME")]
    pub grace_time: Duration,

    /// How long a peer may be silent
    #[arg(long, env, value_parser = deadline, default_value = "5m", value_name = "TIME")]
    pub idle_deadline: Duration,

    /// How long a peer may take to read its replies
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub write_deadline: Duration,
}

/// At least the longest command's name, at most what is still a command.
fn command_bytes(text: &str) -> Result<usize, String> {
    size(text, 7..=65_536)
}
