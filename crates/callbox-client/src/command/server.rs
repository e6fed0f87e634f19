//! The server that is called, as the options say.

use std::fs;
use std::path::Path;

use callbox_client::{Client, Limits, Login, Settings};

use super::ending::Ending;
use super::options::{Options, usage};
use super::progress::Progress;

/// The server that is called.
pub(crate) struct Server {
    pub(crate) client: Client,
}

impl Server {
    /// Asks for a password where one is wanted.
    pub(crate) fn new(options: &Options) -> Result<Self, Ending> {
        let mut limits = Limits { response_bytes: MAX_RESPONSE_BYTES, ..Limits::default() };
        if let Some(timeout) = options.timeout {
            limits.total = timeout;
        }
        let settings = Settings {
            login: login(options)?,
            ca: options.cacert.clone(),
            certificate: options.cert.clone(),
            key: options.key.clone(),
            limits,
            // The signature is asked first, and some servers close after each answer without a word.
            kept_connections: 0,
            ..Settings::default()
        };
        Ok(Self { client: Client::with(&options.url, &settings)? })
    }

    /// Does `work`, and shows on a terminal that it goes on.
    pub(crate) async fn during<T>(&self, sent: usize, work: impl Future<Output = T>) -> T {
        Progress::new(&self.client, sent).during(work).await
    }
}

/// Longest answer that is read: a person may stop it any time.
const MAX_RESPONSE_BYTES: usize = 1 << 30;

fn login(options: &Options) -> Result<Option<Login>, Ending> {
    match (&options.user, &options.token_file) {
        (None, None) => Ok(None),
        (Some(user), None) => {
            let password = rpassword::prompt_password(format!("Password of {user}: "));
            let password = password.map_err(|error| usage(format!("no password: {error}")))?;
            Login::basic(user, &password).map(Some).map_err(|error| usage(error.to_string()))
        }
        (None, Some(file)) => in_file(file).map(Some),
        (Some(_), Some(_)) => Err(usage("-u and --token-file are two answers to one question")),
    }
}

fn in_file(file: &Path) -> Result<Login, Ending> {
    let bad = |why: &dyn std::fmt::Display| usage(format!("{}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| bad(&error))?;
    text.parse().map_err(|error| bad(&error))
}
