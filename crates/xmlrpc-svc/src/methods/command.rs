//! `command.run` and `command.list`: the text commands.

use callbox::{Fault, Registry};

use crate::commands::{CommandName, Commands};

/// Publishes the group.
pub fn add(registry: &mut Registry, commands: Commands) {
    let mut commands = registry.with(commands);
    commands
        .add("command.run", "Runs the text command of that name and returns its reply.", run)
        .names(["name"]);
    commands.add("command.list", "Lists the names of the text commands.", list);
}

async fn run(commands: &Commands, name: String) -> Result<String, Fault> {
    let name = CommandName::new(name)
        .map_err(|error| Fault::invalid_params(format!("params[0]: {error}")))?;
    commands.run(&name).await
}

async fn list(commands: &Commands) -> Result<Vec<String>, Fault> {
    commands.list().await
}
