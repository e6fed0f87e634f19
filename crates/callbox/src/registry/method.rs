//! How a typed function becomes a method: its signature from its types, its parameters checked
//! before it runs.

use protocol::xmlrpc::{Fault, TypeName, Value, from_value, into_value, type_of};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tracing::error;

use super::{Reply, Signature};

/// A function that can be published: of up to eight parameters, sync or async.
///
/// `Marker` tells the kinds of functions apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published as a method",
    note = "it has at most eight parameters; they implement serde's `Deserialize`, the result `Serialize` and `Deserialize`, or it is a \
            `Result` of such a type and an error that is `Into<Fault>`; the function is `Fn + Send + Sync + 'static`"
)]
pub trait Method<Marker>: Send + Sync + 'static {
    /// What the method takes and returns.
    fn signature(&self) -> Signature;

    /// Checks `params` and runs the function.
    fn call(&self, params: Vec<Value>) -> Reply;
}

/// What a function may return.
pub trait Outcome<Marker> {
    /// The type of the result on the wire.
    fn type_name() -> TypeName;

    /// The result on the wire.
    fn into_result(self) -> Result<Value, Fault>;
}

/// Marks results that are always there.
pub enum Plain {}
/// Marks results that may be a fault instead.
pub enum Fallible {}
/// Marks functions that run where they are called.
pub enum Inline {}
/// Marks async functions.
pub enum Async {}

impl<T: Serialize + Deserialize<'static> + 'static> Outcome<Plain> for T {
    fn type_name() -> TypeName {
        type_of::<T>()
    }

    fn into_result(self) -> Result<Value, Fault> {
        into_value(self).map_err(|cause| {
            error!(%cause, "a method's result has no form in XML-RPC");
            Fault::internal()
        })
    }
}

impl<T: Outcome<Plain>, E: Into<Fault>> Outcome<Fallible> for Result<T, E> {
    fn type_name() -> TypeName {
        T::type_name()
    }

    fn into_result(self) -> Result<Value, Fault> {
        self.map_err(Into::into)?.into_result()
    }
}

/// The parameters, if they are `N`.
fn exactly<const N: usize>(params: Vec<Value>) -> Result<[Value; N], Fault> {
    params.try_into().map_err(|params: Vec<Value>| {
        let plural = if N == 1 { "" } else { "s" };
        Fault::invalid_params(format!("expected {N} parameter{plural}, found {}", params.len()))
    })
}

fn param<T: DeserializeOwned + 'static>(index: usize, value: Value) -> Result<T, Fault> {
    from_value(value).map_err(|error| Fault::invalid_params(error.in_param(index).to_string()))
}

/// The parameters of a function, as a tuple.
trait Params: Sized {
    fn type_names() -> Vec<TypeName>;

    fn parse(params: Vec<Value>) -> Result<Self, Fault>;
}

macro_rules! methods {
    ($($param:ident $index:literal),*) => {
        impl<$($param: DeserializeOwned + 'static),*> Params for ($($param,)*) {
            fn type_names() -> Vec<TypeName> {
                vec![$(type_of::<$param>()),*]
            }

            #[allow(non_snake_case)]
            fn parse(params: Vec<Value>) -> Result<Self, Fault> {
                let [$($param),*] = exactly(params)?;
                Ok(($(param($index, $param)?,)*))
            }
        }

        impl<F, R, K, $($param),*> Method<(Inline, K, R, $($param,)*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            R: Outcome<K>,
            $($param: DeserializeOwned + 'static,)*
        {
            fn signature(&self) -> Signature {
                Signature { returns: R::type_name(), params: <($($param,)*)>::type_names() }
            }

            #[allow(non_snake_case)]
            fn call(&self, params: Vec<Value>) -> Reply {
                Reply::Done(Params::parse(params).and_then(|($($param,)*)| self($($param),*).into_result()))
            }
        }

        impl<F, Fut, R, K, $($param),*> Method<(Async, K, R, $($param,)*)> for F
        where
            F: Fn($($param),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: Outcome<K>,
            $($param: DeserializeOwned + 'static,)*
        {
            fn signature(&self) -> Signature {
                Signature { returns: R::type_name(), params: <($($param,)*)>::type_names() }
            }

            #[allow(non_snake_case)]
            fn call(&self, params: Vec<Value>) -> Reply {
                match Params::parse(params) {
                    Err(fault) => Reply::Done(Err(fault)),
                    Ok(($($param,)*)) => {
                        let outcome = self($($param),*);
                        Reply::Later(Box::pin(async move { outcome.await.into_result() }))
                    }
                }
            }
        }
    };
}

methods!();
methods!(A 0);
methods!(A 0, B 1);
methods!(A 0, B 1, C 2);
methods!(A 0, B 1, C 2, D 3);
methods!(A 0, B 1, C 2, D 3, E 4);
methods!(A 0, B 1, C 2, D 3, E 4, G 5);
methods!(A 0, B 1, C 2, D 3, E 4, G 5, H 6);
methods!(A 0, B 1, C 2, D 3, E 4, G 5, H 6, I 7);
