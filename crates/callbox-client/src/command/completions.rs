//! What shells need to complete a command: the methods they ask from the server themselves.

/// A shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shell {
    Bash,
    Zsh,
    Fish,
}

impl Shell {
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "bash" => Some(Self::Bash),
            "zsh" => Some(Self::Zsh),
            "fish" => Some(Self::Fish),
            _ => None,
        }
    }

    /// What it is to read.
    pub(crate) fn script(self) -> &'static str {
        match self {
            Self::Bash => include_str!("completions/callbox.bash"),
            Self::Zsh => include_str!("completions/callbox.zsh"),
            Self::Fish => include_str!("completions/callbox.fish"),
        }
    }
}
