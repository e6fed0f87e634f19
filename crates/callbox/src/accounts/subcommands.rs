//! What makes the lines of a file of accounts. Secrets come by stdin and go to stdout, and stand in
//! no process's arguments.

use std::io::{self, IsTerminal, Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use svc_runtime::settings::Subcommand;

use super::digest::{Digest, random};
use super::hash::{self, MAX_PASSWORD_BYTES};

/// The option without which there are no accounts.
const OPTION: &str = "accounts";

/// The subcommands of every program that has accounts.
pub(crate) const SUBCOMMANDS: [Subcommand; 2] = [
    Subcommand {
        name: "hash-password",
        about: "Read a password from stdin, and print its hash for the file of accounts",
        option: OPTION,
        run: hash_password,
    },
    Subcommand {
        name: "new-token",
        about: "Print a new token, and the lines for it in the file of accounts",
        option: OPTION,
        run: new_token,
    },
];

fn hash_password() -> Result<(), String> {
    let password = if io::stdin().is_terminal() { typed() } else { piped() }?;
    if password.is_empty() || !hash::is_hashable(&password) || password.contains(&b'\n') {
        return Err(format!("expected one line of 1 to {MAX_PASSWORD_BYTES} bytes as a password"));
    }
    let hash = hash::make(&password).ok_or("the password cannot be hashed")?;
    print(&format!("{hash}\n"))
}

/// Asked for twice, since nobody sees what they type.
fn typed() -> Result<Vec<u8>, String> {
    let ask = |prompt| rpassword::prompt_password(prompt).map_err(|error| error.to_string());
    let (once, again) = (ask("Password: ")?, ask("The same again: ")?);
    if once == again {
        Ok(once.into_bytes())
    } else {
        Err("expected the same password twice".into())
    }
}

/// What stdin has, without its line end.
fn piped() -> Result<Vec<u8>, String> {
    // One more than can be right, and a line end.
    let most = MAX_PASSWORD_BYTES as u64 + 3;
    let mut password = Vec::new();
    let read = io::stdin().lock().take(most).read_to_end(&mut password);
    read.map_err(|error| error.to_string())?;
    if password.last() == Some(&b'\n') {
        password.pop();
        if password.last() == Some(&b'\r') {
            password.pop();
        }
    }
    Ok(password)
}

fn new_token() -> Result<(), String> {
    let token = URL_SAFE_NO_PAD.encode(random());
    let digest = Digest::of(token.as_bytes()).to_hex();
    print(&format!("{token}\n\n[token.NAME]\nsha256 = \"{digest}\"\nmethods = [\"*\"]\n"))
}

fn print(text: &str) -> Result<(), String> {
    let mut stdout = io::stdout().lock();
    let written = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
    written.map_err(|error| error.to_string())
}
