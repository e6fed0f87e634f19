//! The settings of this service.

use callbox::Settings;
use clap::Parser;
use clap::builder::EnumValueParser;
use svc_runtime::settings::Listed;

use crate::methods::Group;

/// Publishes functions over XML-RPC (HTTP POST)
#[derive(Debug, Parser)]
#[command(version)]
pub struct Config {
    /// Which groups of methods to publish, a list; system.* is always there
    #[arg(long, env, value_parser = Listed(EnumValueParser::<Group>::new()), value_delimiter = ',', default_value = "arithmetic,command", value_name = "GROUP")]
    pub methods: Vec<Group>,

    /// The tcp-command-svc that runs the text commands; without it they run in this process
    #[arg(long, env, value_parser = host_and_port, value_name = "HOST:PORT")]
    pub command_addr: Option<String>,

    /// What every service on this library has.
    #[command(flatten)]
    pub callbox: Settings,
}

fn host_and_port(text: &str) -> Result<String, String> {
    match text.rsplit_once(':') {
        // An IPv6 address has colons of its own, and so stands in brackets.
        Some((host, port)) if is_host(host) && port.parse::<u16>().is_ok() => Ok(text.to_owned()),
        _ => Err("expected HOST:PORT, such as localhost:5004 or [::1]:5004".into()),
    }
}

fn is_host(host: &str) -> bool {
    let is_bracketed = host.starts_with('[') && host.ends_with(']');
    !host.is_empty() && (is_bracketed || !host.contains([':', '/']))
}
