//! What `RUST_LOG` says.

use std::env;
use std::path::Path;

use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::{LevelFilter, ParseError, Targets};

/// How the targets of our own lines begin.
const OURS: [&str; 5] = ["access", "callbox", "svc_runtime", "tcp_command_svc", "xmlrpc_svc"];

/// The value of `RUST_LOG`, of which an empty one counts as unset.
pub(super) struct Directives(Option<String>);

impl Directives {
    pub(super) fn from_env() -> Self {
        Self(env::var("RUST_LOG").ok().filter(|directives| !directives.is_empty()))
    }

    /// What they let through: `info` and above where there are none.
    pub(super) fn filter(&self) -> Result<EnvFilter, ParseError> {
        match &self.0 {
            Some(directives) => EnvFilter::builder().parse(directives),
            None => Ok(EnvFilter::new("info")),
        }
    }

    /// The directives, where they let through none of our lines and that may well be a mistake:
    /// a level with a typo is read as the only target that is let through.
    pub(super) fn silencing(&self) -> Option<&str> {
        let directives = self.0.as_deref()?;
        silence_us(directives, &program()).then_some(directives)
    }
}

/// How the targets of this program's own lines begin.
fn program() -> String {
    let args = env::args_os().next().unwrap_or_default();
    let name = Path::new(&args).file_stem().unwrap_or_default();
    name.to_string_lossy().replace('-', "_")
}

fn silence_us(directives: &str, program: &str) -> bool {
    // What is not read here has spans, which nobody writes by mistake.
    let Ok(targets) = directives.parse::<Targets>() else { return false };
    // A level for all, or a deliberate `off`.
    if targets.default_level().is_some() {
        return false;
    }
    let mut names = OURS.iter().copied().chain([program]).filter(|name| !name.is_empty());
    let mut is_ours =
        |target: &str| names.any(|name| name.starts_with(target) || target.starts_with(name));
    !targets.iter().any(|(target, level)| level == LevelFilter::OFF || is_ours(target))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directives_that_name_nothing_of_ours_are_told_from_the_others() {
        for silencing in ["inof", "Wran", "svc_runtim_e=debug", "inof=debug", "hyper=trace", "a,b"]
        {
            assert!(silence_us(silencing, "shop"), "{silencing}");
        }
        for other in [
            "info",
            "INFO",
            "2",
            "off",
            "off,inof",
            "info,inof",
            "inof,warn",
            "callbox",
            "callbox=debug",
            "svc_runtime::serve=debug",
            "xmlrpc",
            "access=info",
            "access=off",
            "shop=debug",
            "shop::orders",
            "inof,shop=debug",
            "[call{method=x}]=debug",
        ] {
            assert!(!silence_us(other, "shop"), "{other}");
        }
    }
}
