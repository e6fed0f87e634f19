//! Names that a gateway file cannot give.

use std::collections::HashSet;

/// Names that a gateway file cannot give, since others have them.
#[derive(Debug, Clone, Default)]
pub struct Taken {
    /// Of methods.
    pub methods: HashSet<String>,
    /// Of upstreams: what is counted of them goes by that name.
    pub upstreams: HashSet<String>,
}
