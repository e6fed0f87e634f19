//! `command.run` and `command.list`: the text commands, by the tower service that answers them.

use callbox::{Fault, Registry};
use protocol::command::INVALID;
use tower::ServiceExt;

use crate::command_client::{CommandName, CommandService};

/// Publishes the group.
pub fn add(registry: &mut Registry, commands: CommandService) {
    let mut commands = registry.with(commands);
    commands
        .add("command.run", "Runs the text command of that name and returns its reply.", run)
        .names(["name"]);
    commands.add("command.list", "Lists the names of the text commands.", list);
}

async fn run(commands: &CommandService, name: String) -> Result<String, Fault> {
    let name = CommandName::new(name)
        .map_err(|error| Fault::invalid_params(format!("params[0]: {error}")))?;
    match commands.clone().oneshot(name).await? {
        reply if reply == INVALID => Err(Fault::invalid_params(INVALID)),
        reply => Ok(reply.into_owned()),
    }
}

async fn list(commands: &CommandService) -> Result<Vec<String>, Fault> {
    let names = commands.clone().oneshot(CommandName::HELP).await?;
    Ok(names.split_whitespace().map(str::to_owned).collect())
}
