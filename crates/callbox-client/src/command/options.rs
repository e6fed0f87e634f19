//! What the words of a command line ask for.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use super::completions::Shell;
use super::ending::Ending;
use super::line::Line;

/// What `--help` shows: it fits a screen.
pub(crate) const USAGE: &str = include_str!("usage.txt");

/// What is wanted, and how.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) action: Action,
    /// Empty where no server is needed.
    pub(crate) url: String,
    pub(crate) form: Form,
    pub(crate) is_verbose: bool,
    /// Whether the arguments are the members of one struct.
    pub(crate) is_struct: bool,
    pub(crate) user: Option<String>,
    pub(crate) token_file: Option<PathBuf>,
    pub(crate) cacert: Option<PathBuf>,
    pub(crate) cert: Option<PathBuf>,
    pub(crate) key: Option<PathBuf>,
    pub(crate) timeout: Option<Duration>,
}

/// What is wanted.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Action {
    #[default]
    List,
    Call {
        method: String,
        words: Vec<String>,
    },
    Help {
        method: String,
    },
    /// The names of methods alone, for completions.
    Names,
    Completions(Shell),
    /// The manual page, for who packages the command.
    Manual,
    Usage,
    Version,
}

/// How an answer is shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Form {
    #[default]
    Text,
    Json,
    Raw,
}

/// The first word where it is no URL and no method.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    List,
    Call,
    Help,
    Names,
}

impl Options {
    /// Reads the words of a command line; `url` stands in for one that is not there.
    pub(crate) fn parse(
        words: impl IntoIterator<Item = OsString>,
        url: Option<String>,
    ) -> Result<Self, Ending> {
        let Line { mut options, words, asks_help } = Line::read(words)?;
        if options.action != Action::Version {
            options.settle(words, url, asks_help)?;
        }
        Ok(options)
    }

    /// Finds out what the words are that are no options.
    fn settle(
        &mut self,
        words: Vec<String>,
        url: Option<String>,
        asks_help: bool,
    ) -> Result<(), Ending> {
        let mut words = words.into_iter().peekable();
        if words.peek().is_some_and(|word| word == "completions") {
            let shell = words.nth(1).and_then(|name| Shell::named(&name));
            let shell = shell.ok_or_else(|| usage("expected completions bash, zsh or fish"))?;
            self.action = if asks_help { Action::Usage } else { Action::Completions(shell) };
            return Ok(());
        }
        if words.peek().is_some_and(|word| word == "__man") {
            self.action = Action::Manual;
            return Ok(());
        }
        let verb = words.peek().and_then(|word| Verb::named(word));
        if verb.is_some() {
            words.next();
        }
        let own = words.next_if(|word| word.contains("://"));
        let mut words = words.collect::<Vec<_>>();
        if words.is_empty() && (verb == Some(Verb::Help) || asks_help) {
            self.action = Action::Usage;
            return Ok(());
        }
        self.url = own.or(url.filter(|url| !url.is_empty())).ok_or_else(no_url)?;
        self.action = match verb {
            Some(Verb::Names) => Action::Names,
            Some(Verb::Call) if words.is_empty() => return Err(usage("expected a METHOD")),
            Some(Verb::List) | None if words.is_empty() => Action::List,
            Some(Verb::List) => return Err(usage("list takes nothing but a URL")),
            Some(Verb::Help) => Action::Help { method: words.remove(0) },
            _ if asks_help => Action::Help { method: words.remove(0) },
            _ => Action::Call { method: words.remove(0), words },
        };
        Ok(())
    }
}

impl Verb {
    fn named(word: &str) -> Option<Self> {
        match word {
            "list" => Some(Self::List),
            "call" => Some(Self::Call),
            "help" => Some(Self::Help),
            "__methods" => Some(Self::Names),
            _ => None,
        }
    }
}

fn no_url() -> Ending {
    usage("expected a URL first, such as http://localhost:5022, or in CALLBOX_URL")
}

/// A bad command; `--help` tells what a good one is.
pub(crate) fn usage(what: impl Into<String>) -> Ending {
    Ending::Usage(what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://host";

    fn parse(line: &str) -> Result<Options, Ending> {
        Options::parse(line.split_whitespace().map(OsString::from), None)
    }

    fn call(method: &str, words: &[&str]) -> Action {
        let words = words.iter().map(|word| (*word).to_owned()).collect();
        Action::Call { method: method.to_owned(), words }
    }

    #[test]
    fn words_are_a_url_a_method_and_arguments() {
        let help = |method: &str| Action::Help { method: method.to_owned() };
        let check =
            |line: &str, expected| assert_eq!(parse(line).unwrap().action, expected, "{line}");
        check("http://host", Action::List);
        check("list http://host", Action::List);
        check("http://host add 2 3", call("add", &["2", "3"]));
        check("call http://host list", call("list", &[]));
        check("http://host add -2 -.5 - i/-1", call("add", &["-2", "-.5", "-", "i/-1"]));
        check("http://host add --json -- --json -h", call("add", &["--json", "-h"]));
        check("http://host add http://other", call("add", &["http://other"]));
        check("http://host add --help", help("add"));
        check("help http://host add", help("add"));
        check("http://host --help", Action::Usage);
        check("help", Action::Usage);
        check("-h", Action::Usage);
        check("-V", Action::Version);
        check("completions zsh", Action::Completions(Shell::Zsh));
        check("__methods http://host", Action::Names);
        check("__man", Action::Manual);
    }

    #[test]
    fn environment_stands_in_for_the_url() {
        let check = |line: &str, expected| {
            let words = line.split_whitespace().map(OsString::from);
            let options = Options::parse(words, Some(URL.to_owned())).unwrap();
            assert_eq!((options.action, &*options.url), (expected, URL), "{line}");
        };
        check("", Action::List);
        check("list", Action::List);
        check("add 2 3", call("add", &["2", "3"]));
        check("call help", call("help", &[]));
        check("add --help", Action::Help { method: "add".to_owned() });
    }

    #[test]
    fn options_stand_anywhere() {
        let options = parse("--json http://host -v add --timeout=300ms 2 -u ana --struct").unwrap();
        assert_eq!(options.form, Form::Json);
        assert!(options.is_verbose && options.is_struct);
        assert_eq!(options.timeout, Some(Duration::from_millis(300)));
        assert_eq!(options.user.as_deref(), Some("ana"));
        assert_eq!(options.action, call("add", &["2"]));
        assert_eq!(parse("http://host -uana").unwrap().user.as_deref(), Some("ana"));
    }

    #[test]
    fn bad_commands_are_told() {
        for (line, expected) in [
            ("", "expected a URL"),
            ("add 2 3", "expected a URL"),
            ("call http://host", "expected a METHOD"),
            ("list http://host add", "nothing but a URL"),
            ("http://host add --nothing", "--nothing is no option; --"),
            ("http://host add -x", "-x is no option"),
            ("http://host --json=1", "takes no value"),
            ("http://host --timeout", "needs a value"),
            ("http://host --timeout 5y", "--timeout such as"),
            ("http://host --timeout 0", "--timeout such as"),
            ("http://host -u ana:secret", "the password is asked for"),
            ("http://host -uana:secret", "the password is asked for"),
            ("completions tcsh", "bash, zsh or fish"),
            ("completions", "bash, zsh or fish"),
        ] {
            match parse(line) {
                Err(Ending::Usage(text)) => assert!(text.contains(expected), "{line}: {text}"),
                other => panic!("{line}: {other:?}"),
            }
        }
    }

    #[test]
    fn usage_fits_a_screen() {
        assert!(USAGE.lines().count() <= 24 && USAGE.lines().all(|line| line.len() <= 80));
    }
}
