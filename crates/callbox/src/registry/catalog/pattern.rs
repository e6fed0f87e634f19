//! Methods that nobody lists, found by their names.

use std::sync::Arc;

use super::handler::Handler;
use super::method::CatalogMethod;

/// Methods of a [`Catalog`](crate::Catalog) that nobody lists: a name that is published by nothing
/// else is called where the pattern fits it, under that name. They are counted and logged under one
/// label, since whoever calls chooses the names.
///
/// Names in `system.`, and what could be no method's name, fit no pattern.
#[derive(Clone)]
pub struct CatalogPattern {
    fits: Arc<dyn Fn(&str) -> bool + Send + Sync>,
    /// What is known of each method: all but its name.
    pub(super) method: CatalogMethod,
}

impl CatalogPattern {
    /// The methods whose names `fits` says yes to. It is asked for what peers send, on a thread that
    /// serves others: it is quick and never panics.
    ///
    /// The `label` is the pattern as people write it, such as `d.*`: all names that it fits begin
    /// with what it has before its first `*`.
    pub fn new(
        label: impl Into<String>,
        fits: impl Fn(&str) -> bool + Send + Sync + 'static,
        handler: Arc<dyn Handler>,
    ) -> Self {
        Self { fits: Arc::new(fits), method: CatalogMethod::new(label, "", handler) }
    }

    /// What the methods are counted and logged under.
    pub fn label(&self) -> &str {
        self.method.name()
    }

    /// Whether the method `name` is one of these.
    pub fn fits(&self, name: &str) -> bool {
        (self.fits)(name)
    }

    /// What all the names begin with.
    pub(in crate::registry) fn beginning(&self) -> &str {
        self.label().split('*').next().unwrap_or_default()
    }
}
