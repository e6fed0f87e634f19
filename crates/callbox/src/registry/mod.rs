//! The methods that are published: plain typed functions, by name.
//!
//! ```
//! let mut registry = callbox::Registry::new();
//! registry
//!     .add("area", "The area of a rectangle.", |width: f64, height: f64| width * height)
//!     .names(["width", "height"]);
//! registry.add("greet", "A greeting.", async |name: String| format!("Hello, {name}!"));
//! assert!(registry.check().is_ok());
//! ```

mod called;
mod caller;
mod catalog;
mod description;
mod discover;
mod durations;
mod entry;
mod error;
mod failure;
mod fit;
mod forwarded;
mod function;
mod identity;
mod label;
mod method;
pub(crate) mod multicall;
mod param;
mod params;
mod permissions;
mod program;
mod published;
mod reply;
mod request_id;
mod results;
mod scope;
mod signature;
mod system;
mod trace;
mod troubles;

use std::borrow::Cow;
use std::sync::Arc;

pub(crate) use called::Called;
pub use caller::{Caller, Door, Peer};
pub(crate) use caller::{Connection, X_REQUEST_ID};
pub use catalog::{Awaited, Catalog, CatalogMethod, CatalogPattern, Handler};
pub(crate) use description::{Description, Form, FormParameter};
pub(crate) use durations::NO_METHOD;
pub(crate) use entry::{Entry, Wanted};
pub use error::RegistryError;
pub use failure::{Failure, internal};
pub(crate) use function::Running;
pub use function::{Function, StateFunction, SyncFunction};
pub(crate) use identity::Identity;
pub use identity::{Account, AccountKind};
pub(crate) use label::Label;
pub use label::MAX_HOLD;
pub use method::Method;
pub use param::{Param, param};
pub(crate) use params::Params;
pub(crate) use permissions::{Pattern, Permissions};
pub(crate) use program::Program;
pub(crate) use published::{Published, Started};
pub use reply::{IntoFault, Plain, Reply, Returned, Serde, into_result, type_name};
pub use request_id::MAX_REQUEST_ID;
pub(crate) use results::Made;
pub use scope::{Scope, StateMethod};
pub use signature::{Parameter, Signature};

use method::Overload;
use svc_runtime::metrics::Metrics;

/// Methods on their way to be published.
#[derive(Default)]
pub struct Registry {
    methods: Vec<Method>,
    catalogs: Vec<Catalog>,
}

/// What makes methods of its functions: a type with [`methods`](crate::methods) on an `impl` block.
#[diagnostic::on_unimplemented(
    message = "`{Self}` has no methods to publish",
    note = "put `#[callbox::methods]` on an `impl` block of `{Self}`"
)]
pub trait Methods: Send + Sync + 'static {
    /// Publishes the functions, with `this` as their `self`.
    fn publish(this: Arc<Self>, registry: &mut Registry);
}

impl<T: Methods> Methods for Arc<T> {
    fn publish(this: Arc<Self>, registry: &mut Registry) {
        T::publish(Arc::clone(&this), registry);
    }
}

impl Registry {
    /// A registry without methods.
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes a function as `name`, with what it does in words.
    ///
    /// A function has up to eight parameters of types that implement serde's `Deserialize`, by
    /// value; `Option`s at the end may be left out by the caller. Its result is a [`Reply`]: a
    /// standard type, an own one that derives it, or a `Result`, whose `Err` is a fault and never
    /// a value. [`Base64`](crate::Base64), [`DateTime`](crate::DateTime) and
    /// [`Value`](crate::Value) stand for what Rust has no type of its own for;
    /// [`from_value`](crate::from_value) tells which type is read from what. A parameter of type
    /// [`Caller`], or `&Caller` as the first of a sync function, tells who calls.
    ///
    /// The function may be async. One that is not runs on the thread that serves other peers too, so
    /// it must be short: slow work is async, or blocks on a thread of its own
    /// ([`add_blocking`](Self::add_blocking)).
    ///
    /// What is wrong with a name, or with the functions behind it, is told where the registry is
    /// published, or by [`check`](Self::check).
    pub fn add<Marker>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
        function: impl Function<Marker>,
    ) -> &mut Method {
        self.push(Method::new(name, help, Overload::of(function)))
    }

    /// Publishes a function that blocks: it runs on a thread beside those that serve. They are
    /// counted (a setting); when all are taken, calls are refused with 503, or in a multicall with
    /// -32400 for that entry. The method deadline ends the caller's wait and not the thread.
    pub fn add_blocking<Marker>(
        &mut self,
        name: impl Into<Cow<'static, str>>,
        help: impl Into<Cow<'static, str>>,
        function: impl Function<Marker> + SyncFunction<Marker>,
    ) -> &mut Method {
        self.push(Method::new(name, help, Overload::blocking(function)))
    }

    /// Publishes the methods of a value whose type has [`methods`](crate::methods) on an `impl`
    /// block, or of an `Arc` of one: those that are marked, and nothing else.
    pub fn add_methods(&mut self, object: impl Methods) -> &mut Self {
        Methods::publish(Arc::new(object), self);
        self
    }

    /// A scope whose functions have `state` before their parameters.
    pub fn with<S: Send + Sync + 'static>(&mut self, state: S) -> Scope<'_, S> {
        self.with_shared(Arc::new(state))
    }

    /// A scope whose functions have `state`, which others share, before their parameters.
    pub fn with_shared<S: Send + Sync + 'static>(&mut self, state: Arc<S>) -> Scope<'_, S> {
        Scope::new(&mut self.methods, state)
    }

    /// Publishes what `catalog` has, at any time: methods that come and go while these are served.
    /// Names that are added here win over the catalog's, and so do those of earlier catalogs.
    pub fn add_catalog(&mut self, catalog: &Catalog) -> &mut Self {
        self.catalogs.push(catalog.clone());
        self
    }

    fn push(&mut self, method: Method) -> &mut Method {
        let place = self.methods.len();
        self.methods.push(method);
        &mut self.methods[place]
    }

    /// The methods that were added, in that order, without those of catalogs.
    pub fn methods(&self) -> impl ExactSizeIterator<Item = &Method> {
        self.methods.iter()
    }

    /// Tells the first thing that would keep the registry from being published.
    pub fn check(&self) -> Result<(), RegistryError> {
        error::check(&self.methods)
    }

    /// Adds the `system.*` methods, which speak of all the others, and `rpc.discover`, and closes the
    /// registry.
    /// How long calls take is counted in `metrics`.
    pub(crate) fn publish(
        self,
        program: &Program,
        limits: PublishLimits,
        metrics: &Metrics,
    ) -> Result<Arc<Published>, RegistryError> {
        self.check()?;
        Ok(Arc::new_cyclic(|published| {
            let system = system::methods(published, limits.multicall_entries);
            let methods = self.methods.into_iter().chain(system).collect();
            let discover = discover::method(published, program);
            Published::new(methods, discover, self.catalogs, limits, metrics)
        }))
    }
}

/// What callers may take of the methods.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PublishLimits {
    /// Calls that one `system.multicall` may make.
    pub(crate) multicall_entries: usize,
    /// Functions on threads of their own at once.
    pub(crate) blocking_calls: usize,
    /// Bytes of memory that the results of all multicalls in work may take.
    pub(crate) result_bytes: usize,
}
