//! The settings of this service.

use std::path::PathBuf;

use callbox::Settings;
use clap::Parser;
use clap::builder::EnumValueParser;
use svc_runtime::settings::Listed;

use crate::gateway::settings::Address;
use crate::methods::Group;
use crate::methods::socket::Destination;

/// Publishes functions over XML-RPC (HTTP POST)
#[derive(Debug, Parser)]
#[command(version)]
pub struct Config {
    /// Which groups of methods to publish, a list; system.* is always there
    #[arg(long, env, value_parser = Listed(EnumValueParser::<Group>::new()), value_delimiter = ',', default_value = "arithmetic,command", value_name = "GROUP")]
    pub methods: Vec<Group>,

    /// The tcp-command-svc that runs the text commands; without it they run in this process
    #[arg(long, env, value_parser = host_and_port, value_name = "HOST:PORT")]
    pub command_addr: Option<Address>,

    /// Where socket.create_connection may connect to, a list such as 10.0.0.0/8:80,192.0.2.1:1-1024;
    /// by default nowhere
    #[arg(long, env, value_delimiter = ',', value_name = "NET:PORTS")]
    pub connect_allow: Vec<Destination>,

    /// File of services that are published without code: line services, and XML-RPC servers
    #[arg(long, env = "GATEWAY_FILE", value_name = "FILE")]
    pub gateway: Option<PathBuf>,

    /// What every service on this library has.
    #[command(flatten)]
    pub callbox: Settings,
}

fn host_and_port(text: &str) -> Result<Address, String> {
    match Address::parse(text) {
        Some(address @ Address::Inet { .. }) => Ok(address),
        _ => Err("expected HOST:PORT, such as localhost:5004 or [::1]:5004".into()),
    }
}
