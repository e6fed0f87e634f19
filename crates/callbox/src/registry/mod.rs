//! The methods that are published: plain typed functions, by name.
//!
//! ```
//! use callbox::registry::Registry;
//!
//! let mut registry = Registry::new();
//! registry.add("area", "The area of a rectangle.", |width: f64, height: f64| width * height);
//! registry.add("greet", "A greeting.", async |name: String| format!("Hello, {name}!"));
//!
//! let area = registry.entry("area").unwrap();
//! assert_eq!(area.signatures().collect::<Vec<_>>(), [["double", "double", "double"]]);
//! ```

mod method;
pub mod multicall;
pub mod system;

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::Poll;

use protocol::xmlrpc::{Fault, TypeName, Value};

pub use method::{Method, Outcome};

/// A result that is there, or one that is awaited.
pub enum Reply {
    /// The result of a function.
    Done(Result<Value, Fault>),
    /// The result of an async function.
    Later(Pin<Box<dyn Future<Output = Result<Value, Fault>> + Send>>),
}

type Call = Box<dyn Fn(Vec<Value>) -> Reply + Send + Sync>;

/// What a method takes and returns, by XML-RPC type names that are read off the Rust types.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signature {
    /// The type of the result.
    pub returns: TypeName,
    /// The types of the parameters, in order.
    pub params: Vec<TypeName>,
}

struct Overload {
    signature: Signature,
    call: Call,
}

/// A published name: what it does in words, and the functions behind it.
pub struct Entry {
    help: &'static str,
    overloads: Vec<Overload>,
}

impl Entry {
    /// Publishes `method` under the same name, for parameters that fit none of the ones before.
    pub fn or<Marker>(&mut self, method: impl Method<Marker>) -> &mut Self {
        let signature = method.signature();
        self.overloads
            .push(Overload { signature, call: Box::new(move |params| method.call(params)) });
        self
    }

    /// What the method does, in words.
    pub fn help(&self) -> &'static str {
        self.help
    }

    /// The method's signatures, one or more a function.
    pub fn signatures(&self) -> impl Iterator<Item = Vec<&'static str>> {
        self.overloads.iter().flat_map(|overload| overload.signature.spelled())
    }

    fn call(&self, params: Vec<Value>) -> Reply {
        let fits = |overload: &&Overload| overload.signature.fits(&params);
        match (self.overloads.iter().find(fits), &self.overloads[..]) {
            // The only function says best what is wrong with its parameters.
            (Some(overload), _) | (None, [overload]) => (overload.call)(params),
            (None, _) => Reply::Done(Err(self.mismatch(&params))),
        }
    }

    fn mismatch(&self, params: &[Value]) -> Fault {
        let lists = self
            .overloads
            .iter()
            .map(|overload| overload.signature.params.iter().map(|name| spelled(*name, "int")));
        let expected: Vec<_> = lists.map(list).collect();
        let found = list(params.iter().map(Value::type_name));
        Fault::invalid_params(format!("params: expected {}, found {found}", expected.join(" or ")))
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("({})", names.collect::<Vec<_>>().join(", "))
}

impl Signature {
    /// Whether `params` fit at first sight: their number and outer types.
    fn fits(&self, params: &[Value]) -> bool {
        self.params.len() == params.len()
            && self.params.iter().zip(params).all(|(name, value)| name.accepts(value))
    }

    /// The signature's type names, the result first. An integer of 64 bits is written as `int` or
    /// as `i8`, as it needs, so a signature that has one is true in both spellings.
    fn spelled(&self) -> Vec<Vec<&'static str>> {
        let spell = |wide| {
            let names = std::iter::once(&self.returns).chain(&self.params);
            names.map(|name| spelled(*name, wide)).collect::<Vec<_>>()
        };
        let mut spellings = vec![spell("int"), spell("i8")];
        spellings.dedup();
        spellings
    }
}

/// The type's name, which for an integer of 64 bits is `wide`.
fn spelled(name: TypeName, wide: &'static str) -> &'static str {
    if name == TypeName::I8 { wide } else { name.as_str() }
}

/// Methods by name.
#[derive(Default)]
pub struct Registry {
    entries: HashMap<&'static str, Entry>,
}

impl Registry {
    /// A registry without methods.
    pub fn new() -> Self {
        Self::default()
    }

    /// Publishes a function as `name`, with what it does in words; a name that was published before
    /// is taken over.
    ///
    /// A function has up to eight parameters of types that implement serde's `Deserialize`, by
    /// value. Its result implements `Serialize`, and `Deserialize` too, since the signature is read
    /// off it; or it is a `Result` of such a type and an error that is `Into<Fault>`.
    /// [`Base64`](protocol::xmlrpc::Base64), [`DateTime`](protocol::xmlrpc::DateTime) and
    /// [`Value`] stand for what Rust has no type of its own for;
    /// [`from_value`](protocol::xmlrpc::from_value) tells which type is read from what.
    ///
    /// The function may be async. One that is not runs on the thread that serves other peers too, so
    /// it must be short: slow work is async.
    pub fn add<Marker>(
        &mut self,
        name: &'static str,
        help: &'static str,
        method: impl Method<Marker>,
    ) -> &mut Entry {
        let entry =
            self.entries.entry(name).insert_entry(Entry { help, overloads: Vec::new() }).into_mut();
        entry.or(method)
    }

    /// Adds the `system.*` methods, which speak of all the others, and closes the registry.
    /// `max_multicall_entries` is how many calls one `system.multicall` may make.
    pub fn publish(mut self, max_multicall_entries: usize) -> Arc<Self> {
        Arc::new_cyclic(|published: &Weak<Self>| {
            system::add(&mut self, published, max_multicall_entries);
            self
        })
    }

    /// The method called `name`.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries.get(name)
    }

    /// The names of all methods, sorted.
    pub fn names(&self) -> Vec<&'static str> {
        let mut names: Vec<_> = self.entries.keys().copied().collect();
        names.sort_unstable();
        names
    }

    /// Calls the method `name`. A method that panics is an internal error and nothing worse.
    pub async fn call(&self, name: &str, params: Vec<Value>) -> Result<Value, Fault> {
        let entry = self.entry(name).ok_or_else(|| Fault::method_not_found(name))?;
        let reply =
            catch_unwind(AssertUnwindSafe(|| entry.call(params))).map_err(|_| Fault::internal())?;
        match reply {
            Reply::Done(result) => result,
            Reply::Later(mut result) => {
                let polled = std::future::poll_fn(|cx| {
                    catch_unwind(AssertUnwindSafe(|| result.as_mut().poll(cx)))
                        .unwrap_or_else(|_| Poll::Ready(Err(Fault::internal())))
                });
                polled.await
            }
        }
    }
}
