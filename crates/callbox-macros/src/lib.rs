//! The macros of `callbox`, which re-exports them: what a method is, is read off the function that
//! a user writes anyway.
//!
//! A block goes from [`methods`](macro@methods) through the modules in this order: its attributes
//! are taken off, each function is read into what it is, and what was read is written as the
//! registration of closures. What is wrong is collected on the way and told at once.

mod methods;

mod attribute;
mod errors;
mod expand;
mod method;
mod param;
mod receiver;
mod reply;
mod value;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;

/// Publishes the functions of an `impl` block as methods, by implementing `callbox::Methods` for the
/// type. A type has one such block.
///
/// ```ignore
/// use std::sync::Arc;
///
/// use callbox::{Caller, methods};
///
/// struct Orders { /* .. */ }
///
/// #[methods(prefix = "orders")]
/// impl Orders {
///     /// How many orders there are of a kind.
///     fn count(&self, caller: &Caller, kind: String) -> usize { /* .. */ }
///
///     /// The order of that number.
///     async fn find(self: Arc<Self>, id: i64) -> Result<Order, Trouble> { /* .. */ }
///
///     /// All orders, from the disk.
///     #[method(blocking)]
///     fn report(&self) -> Vec<Order> { /* .. */ }
///
///     #[method(name = "sum")]
///     fn total(a: i64, b: Option<i64>) -> i64 { /* .. */ }
///
///     #[method(skip)]
///     fn price(&self, order: &Order) -> f64 { /* .. */ }
/// }
/// ```
///
/// A method is called `orders.count`: the prefix, if there is one, and the function's name or the
/// `name` that is given instead. Its doc comment is its help, and its parameters keep their names.
///
/// - A function takes `&self`, `self: Arc<Self>` or no `self`. It may be async.
/// - Its parameters, eight at most, are values that implement serde's `Deserialize`.
/// - A parameter of type `Caller` or `&Caller` is who calls, wherever it stands, and no peer sends
///   it.
/// - Its result implements serde's `Serialize` and `Deserialize`, or is a `Result` of such a type and
///   an error that is `Into<Fault>`.
/// - `#[method(blocking)]` runs it where it may block; `#[method(skip)]` leaves it alone.
/// - A function under a `#[cfg]` is published under the same.
#[proc_macro_attribute]
pub fn methods(args: TokenStream, item: TokenStream) -> TokenStream {
    methods::expand(args.into(), item.into()).into()
}

/// Implements `callbox::Reply` for a type with serde's `Serialize` and `Deserialize`, so that a
/// function or closure that is added by hand may return it.
///
/// ```ignore
/// #[derive(Serialize, Deserialize, Reply)]
/// struct Order {
///     id: i64,
///     kind: String,
/// }
///
/// registry.add("order", "An order.", |id: i64| Order { id, kind: "tea".into() });
/// ```
#[proc_macro_derive(Reply)]
pub fn reply(item: TokenStream) -> TokenStream {
    reply::expand(item.into()).into()
}
