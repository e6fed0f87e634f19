//! Methods that come and go while the service runs.

mod counted;
mod handler;
mod lent;
mod method;
mod pattern;

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arc_swap::ArcSwap;

pub(super) use counted::Counted;
pub use handler::{Awaited, Handler};
pub(crate) use lent::Lent;
pub use method::CatalogMethod;
pub use pattern::CatalogPattern;

use super::error::{RegistryError, check_name};
use super::label::key;
use super::permissions::Pattern;

/// Methods that come and go while the service runs. Clones are of the same one, and it is of one
/// [`Server`](crate::Server): [`Registry::add_catalog`](crate::Registry::add_catalog).
///
/// They are like others for whoever calls: listed and described by `system.*`, called in a multicall,
/// under accounts, limits, metrics and log. What is published by name in the registry wins over a
/// catalog's method of that name, an earlier catalog over a later one, and a method over a pattern.
///
/// Calls are counted by name, those of a pattern under its label. The first 1,000 names that are
/// called have series of their own, which stay when the methods go; further ones share the label
/// `(other methods)`.
///
/// ```
/// use std::sync::Arc;
///
/// use callbox::{Awaited, Caller, Catalog, CatalogMethod, Fault, Handler, Registry, Value};
///
/// /// Answers with the name that it is called by.
/// struct Echo;
///
/// impl Handler for Echo {
///     fn call(
///         &self,
///         name: &str,
///         _params: Vec<Value>,
///         _caller: &Caller,
///     ) -> Awaited<Result<Value, Fault>> {
///         let name = name.to_owned();
///         Box::pin(async move { Ok(name.into()) })
///     }
/// }
///
/// let catalog = Catalog::new();
/// let mut registry = Registry::new();
/// registry.add_catalog(&catalog);
///
/// // At any time, also while the registry is served.
/// let method = CatalogMethod::new("radio.name", "Its name.", Arc::new(Echo)).signature(["string"]);
/// catalog.publish(vec![method], vec![])?;
/// # Ok::<_, callbox::RegistryError>(())
/// ```
#[derive(Clone, Default)]
pub struct Catalog(Arc<ArcSwap<Edition>>);

/// What is published of a catalog at a time.
#[derive(Default)]
struct Edition {
    /// In the order of [`key`].
    methods: Vec<Arc<Lent>>,
    patterns: Vec<(CatalogPattern, Arc<Lent>)>,
}

impl Catalog {
    /// A catalog without methods.
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes these in place of all that was published before, at once. Calls under way end on
    /// the methods that they began on; a new call of one that is gone is fault -32601.
    ///
    /// With an error nothing is changed: a name, or a pattern's label, is refused in `system.`
    /// ([`RegistryError::Reserved`]) and where it is no name ([`RegistryError::Unnameable`]), and a
    /// name that two of `methods` have ([`RegistryError::Duplicate`]). A method whose name the
    /// registry has too is no error: it is not called as long as that is there.
    pub fn publish(
        &self,
        methods: Vec<CatalogMethod>,
        patterns: Vec<CatalogPattern>,
    ) -> Result<(), RegistryError> {
        self.0.store(Arc::new(Edition::new(methods, patterns)?));
        Ok(())
    }

    /// The method called `name`.
    pub(super) fn method(&self, name: &str) -> Option<Arc<Lent>> {
        self.0.load().method(name).cloned()
    }

    /// The method `name` by the first pattern that fits it.
    pub(super) fn method_by_pattern(&self, name: &str) -> Option<Arc<Lent>> {
        let edition = self.0.load();
        if edition.patterns.is_empty() || check_name(name).is_err() {
            return None;
        }
        let found = edition.patterns.iter().find(|(pattern, _)| pattern.fits(name));
        found.map(|(_, lent)| lent.clone())
    }

    /// Adds the names that are wanted to `names`.
    pub(super) fn add_names(&self, names: &mut Vec<String>, is_wanted: impl Fn(&str) -> bool) {
        let edition = self.0.load();
        let own = edition.methods.iter().map(|lent| lent.method().name());
        names.extend(own.filter(|name| is_wanted(name)).map(str::to_owned));
    }

    /// Whether there is a method that `allowed` fits, or could be by a pattern.
    pub(super) fn may_have(&self, allowed: &Pattern) -> bool {
        let edition = self.0.load();
        edition.methods.iter().any(|lent| allowed.fits(lent.method().name()))
            || edition.patterns.iter().any(|(pattern, _)| allowed.may_fit(pattern))
    }
}

/// With the numbers of what there is, which may be much.
impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let edition = self.0.load();
        f.debug_struct("Catalog")
            .field("methods", &edition.methods.len())
            .field("patterns", &edition.patterns.len())
            .finish()
    }
}

impl Edition {
    fn new(
        methods: Vec<CatalogMethod>,
        patterns: Vec<CatalogPattern>,
    ) -> Result<Self, RegistryError> {
        check(&methods, &patterns)?;
        let mut methods: Vec<_> = methods.into_iter().map(Lent::new).collect();
        methods.sort_unstable_by(|one, other| {
            key(one.method().name()).cmp(&key(other.method().name()))
        });
        let lend = |pattern: CatalogPattern| {
            let lent = Lent::new(pattern.method.clone());
            (pattern, lent)
        };
        Ok(Self { methods, patterns: patterns.into_iter().map(lend).collect() })
    }

    fn method(&self, name: &str) -> Option<&Arc<Lent>> {
        let found = self.methods.binary_search_by(|lent| key(lent.method().name()).cmp(&key(name)));
        found.ok().map(|place| &self.methods[place])
    }
}

fn check(methods: &[CatalogMethod], patterns: &[CatalogPattern]) -> Result<(), RegistryError> {
    let mut names = HashSet::new();
    for name in methods.iter().map(CatalogMethod::name) {
        check_name(name)?;
        if !names.insert(name) {
            return Err(RegistryError::Duplicate(name.to_owned()));
        }
    }
    patterns.iter().try_for_each(|pattern| check_name(pattern.label()))
}
