//! What a method does, as its server says.

use callbox_client::{Error, Value};

use super::ending::Ending;
use super::output::{write, write_lines};
use super::server::Server;
use super::signature;

/// Shows the signatures of a method and its help.
pub(crate) async fn help(server: &Server, method: &str) -> Result<(), Ending> {
    let asked = server.during(0, async {
        let help: Value = server.client.repeatable().call("system.methodHelp", (method,)).await?;
        Ok::<_, Error>((help, signature::of_method(&server.client, method).await?))
    });
    let (help, signatures) = asked.await?;
    let shown = signatures.iter().map(|signature| (method.to_owned(), signature.shown()));
    write_lines(shown)?;
    match help.as_str().map(str::trim).filter(|help| !help.is_empty()) {
        Some(help) => write(format!("{help}\n").as_bytes()),
        None => write(b"The server tells nothing of it.\n"),
    }
}
