//! The settings of a program that publishes functions.

use std::net::SocketAddr;
use std::time::Duration;

use clap::Args;
use protocol::xmlrpc::Limits;
use svc_runtime::http::HttpDeadlines;
use svc_runtime::settings::{ProcessSettings, deadline};

use crate::edge::CallLimits;
use crate::edge::budget::MAX_BODIES_BYTES;
use crate::edge::codec::{BodyLimits, MAX_BODY_BYTES};
use crate::registry::multicall::MAX_MULTICALL_ENTRIES;

/// The settings of the edge, whatever it publishes.
#[derive(Debug, Clone, Args)]
pub struct EdgeSettings {
    /// Where to listen; may be given several times
    #[arg(
        long,
        env = "LISTEN_ADDR",
        value_delimiter = ',',
        default_value = "127.0.0.1:5022",
        value_name = "ADDR"
    )]
    pub listen: Vec<SocketAddr>,

    /// Where health and readiness are asked
    #[arg(
        long,
        env = "ADMIN_ADDR",
        global = true,
        default_value = "127.0.0.1:9022",
        value_name = "ADDR"
    )]
    pub admin_listen: SocketAddr,

    /// What a peer may take of us.
    #[command(flatten)]
    pub limits: PeerLimits,

    /// What every service has.
    #[command(flatten)]
    pub process: ProcessSettings,
}

/// What a peer may take of the service.
#[derive(Debug, Clone, Copy, Args)]
pub struct PeerLimits {
    /// Largest body of a request
    #[arg(long, env, value_parser = body_bytes, default_value_t = MAX_BODY_BYTES, value_name = "BYTES")]
    pub max_body_bytes: usize,

    /// Bytes of all bodies in work; further ones wait, then are answered with 503
    #[arg(long, env, value_parser = body_bytes, default_value_t = MAX_BODIES_BYTES, value_name = "BYTES")]
    pub max_bodies_bytes: usize,

    /// Values nested in values, at most
    #[arg(long, env, value_parser = depth, default_value_t = Limits::default().depth, value_name = "COUNT")]
    pub max_depth: usize,

    /// Calls in one system.multicall, at most
    #[arg(long, env, default_value_t = MAX_MULTICALL_ENTRIES, value_name = "COUNT")]
    pub max_multicall_entries: usize,

    /// Calls in work at once; further ones are answered with 503
    #[arg(long, env, value_parser = clap::value_parser!(u32).range(1..), default_value_t = 1024, value_name = "COUNT")]
    pub max_calls: u32,

    /// How long a request's head may take, and a kept connection be idle
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub header_deadline: Duration,

    /// How long a request's body may take
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub body_deadline: Duration,

    /// How long a method may take
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub method_deadline: Duration,

    /// How long a peer may take nothing of its response
    #[arg(long, env, value_parser = deadline, default_value = "30s", value_name = "TIME")]
    pub write_deadline: Duration,
}

impl PeerLimits {
    /// The part that holds for a call.
    pub fn call(&self) -> CallLimits {
        CallLimits {
            calls: self.max_calls as usize,
            bodies_bytes: self.max_bodies_bytes,
            body: BodyLimits { bytes: self.max_body_bytes, deadline: self.body_deadline },
            document: Limits { depth: self.max_depth, ..Limits::default() },
            deadline: self.method_deadline,
        }
    }

    /// The part that holds for a connection.
    pub fn http(&self) -> HttpDeadlines {
        HttpDeadlines { header: self.header_deadline, write: self.write_deadline }
    }
}

fn body_bytes(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(bytes @ 1..=1_073_741_824) => Ok(bytes),
        _ => Err("expected a number from 1 to 1073741824".into()),
    }
}

fn depth(text: &str) -> Result<usize, String> {
    use protocol::xmlrpc::MAX_VALUE_DEPTH;
    match text.parse() {
        Ok(depth) if (1..=MAX_VALUE_DEPTH).contains(&depth) => Ok(depth),
        _ => Err(format!("expected a number from 1 to {MAX_VALUE_DEPTH}")),
    }
}
