//! `command.run` and `command.list`: the text commands, by the tower service that answers them.

use callbox::registry::Registry;
use protocol::command::INVALID;
use protocol::xmlrpc::Fault;
use tower::ServiceExt;

use crate::command_client::{CommandName, CommandService};

/// Publishes the group.
pub fn add(registry: &mut Registry, commands: CommandService) {
    let runner = commands.clone();
    registry.add(
        "command.run",
        "Runs the text command of that name and returns its reply.",
        move |name: String| run(runner.clone(), name),
    );
    registry.add("command.list", "Lists the names of the text commands.", move || {
        list(commands.clone())
    });
}

async fn run(commands: CommandService, name: String) -> Result<String, Fault> {
    let name = CommandName::new(name)
        .map_err(|error| Fault::invalid_params(format!("params[0]: {error}")))?;
    match commands.oneshot(name).await? {
        reply if reply == INVALID => Err(Fault::invalid_params(INVALID)),
        reply => Ok(reply.into_owned()),
    }
}

async fn list(commands: CommandService) -> Result<Vec<String>, Fault> {
    let names = commands.oneshot(CommandName::HELP).await?;
    Ok(names.split_whitespace().map(str::to_owned).collect())
}
