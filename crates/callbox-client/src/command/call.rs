//! One call, from its words to the answer that is shown.

use std::io::Write as _;

use callbox_client::{Client, Value, transport};
use hyper::body::Bytes;
use protocol::xmlrpc::{MethodCall, encode_call};

use super::arguments::{self, Argument};
use super::ending::Ending;
use super::options::{Form, Options, usage};
use super::output::{printable, write};
use super::server::Server;
use super::{json, show, signature};

/// Calls `method` with `words` for arguments.
pub(crate) async fn call(
    server: &Server,
    options: &Options,
    method: &str,
    words: &[String],
) -> Result<(), Ending> {
    let params = match options.is_struct {
        true => vec![arguments::members(words)?],
        false => params(server, method, words).await?,
    };
    let document =
        encode_call(&MethodCall::new(method, params)).map_err(|why| usage(why.to_string()))?;
    let document = Bytes::from(document);
    if options.is_verbose {
        tell(&format!("> {}", server.client), &document);
    }
    let client = &server.client;
    let response = server.during(document.len(), client.post(document)).await;
    let response = response.map_err(|error| Ending::lost(client, &error))?;
    if options.is_verbose {
        tell(&format!("< {}", head(&response)), &response.body);
    }
    match options.form {
        Form::Raw => {
            write(&response.body)?;
            value(client, method, response).await.map(drop)
        }
        Form::Json => write(&json::line(&value(client, method, response).await?)?),
        Form::Text => write(show::text(&value(client, method, response).await?).as_bytes()),
    }
}

/// The server is asked for a signature where a word does not say what it is.
async fn params(server: &Server, method: &str, words: &[String]) -> Result<Vec<Value>, Ending> {
    let arguments = arguments::arguments(words)?;
    if arguments.iter().all(|argument| matches!(argument, Argument::Value(_))) {
        return arguments::typed(arguments, &[]);
    }
    let asked = server.during(0, signature::of_method(&server.client, method)).await?;
    let types = match &asked[..] {
        [only] if only.params.len() == arguments.len() => &only.params[..],
        _ => &[],
    };
    arguments::typed(arguments, types)
}

async fn value(
    client: &Client,
    method: &str,
    response: transport::Response,
) -> Result<Value, Ending> {
    Ok(client.read(method, response).await?)
}

fn head(response: &transport::Response) -> String {
    let content_type = response.content_type.as_deref().unwrap_or("no content type");
    format!("{} {content_type}", response.status)
}

/// Shows a document on stderr. Where that is shut nobody wants to know.
fn tell(head: &str, document: &[u8]) {
    let document = String::from_utf8_lossy(document);
    let text = format!("{}\n{}\n", printable(head), printable(&document));
    let _ = std::io::stderr().write_all(text.as_bytes());
}
