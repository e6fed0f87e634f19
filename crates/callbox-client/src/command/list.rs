//! The methods of a server, with their signatures.

use callbox_client::{Array, Error, Value};

use super::ending::Ending;
use super::json;
use super::options::{Form, Options, usage};
use super::output::{write, write_lines};
use super::server::Server;
use super::signature;

/// Lists the methods with their signatures.
pub(crate) async fn list(server: &Server, options: &Options) -> Result<(), Ending> {
    match options.form {
        Form::Text => {}
        Form::Json => return write(&json::line(&json_names(server).await?)?),
        Form::Raw => return Err(usage("--raw is for calls: call system.listMethods")),
    }
    let listed = server.during(0, async {
        let names = names_of(server).await?;
        let signatures = signature::of_all(&server.client, &names).await?;
        Ok::<_, Error>((names, signatures))
    });
    let (names, signatures) = listed.await?;
    write_lines(names.into_iter().zip(signatures).flat_map(|(name, signatures)| {
        let mut shown: Vec<String> = signatures.iter().map(signature::Signature::shown).collect();
        if shown.is_empty() {
            shown.push(String::new());
        }
        shown.into_iter().map(move |shown| (name.clone(), shown))
    }))
}

/// Writes the names alone, for completions.
pub(crate) async fn names(server: &Server) -> Result<(), Ending> {
    let names = names_of(server).await?.into_iter().filter(|name| is_word(name));
    write_lines(names.map(|name| (name, String::new())))
}

/// Whether a name is one plain word in any shell, and no option.
fn is_word(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:/-".contains(&byte);
    name.bytes().all(is_plain) && !name.starts_with('-')
}

async fn json_names(server: &Server) -> Result<Value, Ending> {
    let names = server.during(0, names_of(server)).await?;
    let names = names.into_iter().map(Value::from).collect::<Vec<_>>();
    Array::try_from(names).map(Value::from).map_err(|error| usage(error.to_string()))
}

async fn names_of(server: &Server) -> Result<Vec<String>, Error> {
    let mut names: Vec<String> = server.client.repeatable().call("system.listMethods", ()).await?;
    names.sort();
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::is_word;

    #[test]
    fn names_that_a_shell_would_take_otherwise_are_no_words() {
        assert!(["system.listMethods", "a-b", "group/name:1"].into_iter().all(is_word));
        assert!(
            !["-x", "--json", "$(reboot)", "a b", "`a`", "a;b", "\u{e4}"].into_iter().any(is_word)
        );
    }
}
