//! The functions that the `xmlrpc-svc` binary publishes, a file a group.

pub mod arithmetic;
pub mod command;
pub mod interop;
pub mod socket;
pub mod validator1;

use callbox::Registry;
use clap::ValueEnum;

use crate::commands::Commands;
use socket::Destination;

/// A group of methods that can be published. `system.*` is none: it is always there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Group {
    /// addition, subtraction
    Arithmetic,
    /// The text commands: command.run, command.list
    Command,
    /// The methods of UserLand's validator
    Validator1,
    /// interopEchoTests: what comes back is what was sent
    Interop,
    /// Hosts, services and addresses, as Python's module socket tells them
    Socket,
}

impl Group {
    /// Publishes the group. Where it connects for others, that is to what is `allowed`.
    pub fn add(self, registry: &mut Registry, commands: &Commands, allowed: &[Destination]) {
        match self {
            Self::Arithmetic => arithmetic::add(registry),
            Self::Command => command::add(registry, commands.clone()),
            Self::Validator1 => validator1::add(registry),
            Self::Interop => interop::add(registry),
            Self::Socket => socket::add(registry, allowed),
        }
    }
}
