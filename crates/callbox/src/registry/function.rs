//! How a typed function becomes callable with whatever a peer sends: its signature is read off its
//! types, and its parameters are checked before it runs.

use std::pin::Pin;
use std::sync::Arc;

use protocol::xmlrpc::{Fault, Value};

use super::caller::Caller;
use super::failure::Failure;
use super::param::{Arguments, Param};
use super::reply::Reply;
use super::signature::{Parameter, Signature};

/// A result that is there, or one that is awaited.
pub enum Outcome {
    /// The result of a function.
    Done(Result<Value, Failure>),
    /// The result of an async function.
    Later(Running),
}

/// An async function under way.
pub(crate) type Running = Pin<Box<dyn Future<Output = Result<Value, Failure>> + Send>>;

/// A function that can be published: of up to eight parameters, sync or async.
///
/// Each parameter is a [`Param`], the result a [`Reply`]. A sync function may have a `&Caller`
/// before them. `Marker` tells the kinds of functions apart and is always inferred.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published as a method",
    note = "it has at most eight parameters, each by value and read by serde (`serde::Deserialize`), or a `callbox::Caller`",
    note = "its result is a `callbox::Reply`, which own types derive, or a `Result` of what serde writes and reads and an error that is `Into<Fault>`",
    note = "it is `Fn + Send + Sync + 'static`; what it awaits is `Send`; a sync one may have `&Caller` as its first parameter"
)]
pub trait Function<Marker>: Send + Sync + 'static {
    /// What the function takes and returns.
    fn signature(&self) -> Signature;

    /// Checks the arguments and runs the function.
    fn call(&self, arguments: Arguments<'_>) -> Outcome;
}

/// A function of a [`Scope`](crate::Scope): like a [`Function`], with the scope's state before its
/// parameters: as `&S`, if it is sync or an `async fn`, or as `Arc<S>`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be published as a method with state",
    note = "its first parameter is the state: `&{S}` (a sync function, or an `async fn`), or `Arc<{S}>` (any, async closures too)",
    note = "it has at most eight more, each by value and read by serde (`serde::Deserialize`), or a `callbox::Caller`",
    note = "its result is a `callbox::Reply`, which own types derive, or a `Result` of what serde writes and reads and an error that is `Into<Fault>`"
)]
pub trait StateFunction<S, Marker>: Send + Sync + 'static {
    /// What the function takes, the state aside, and returns.
    fn signature(&self) -> Signature;

    /// Checks the arguments and runs the function.
    fn call(&self, state: &Arc<S>, arguments: Arguments<'_>) -> Outcome;
}

/// A function that ends where it is called, and so can be called on a thread of its own.
#[diagnostic::on_unimplemented(
    message = "an async function does not block a thread, and needs none of its own",
    note = "publish it by `add`"
)]
pub trait SyncFunction<Marker> {}

/// An async function that borrows its state while it runs.
pub trait Borrowing<'a, S, Params> {
    /// What it ends with.
    type Returned;

    /// Itself, running.
    type Running: Future<Output = Self::Returned> + Send + 'a;

    /// Starts it.
    fn start(&self, state: &'a S, params: Params) -> Self::Running;
}

/// Marks functions that run where they are called.
pub enum Inline {}
/// Marks functions that run where they are called, and see the caller by reference.
pub enum InlineFrom {}
/// Marks async functions.
pub enum Async {}
/// Marks functions that borrow the state, or own a share of it.
pub struct With<Kind, State>(Kind, State);
/// Marks functions that borrow the state.
pub enum Borrowed {}
/// Marks functions that own a share of the state.
pub enum Shared {}

fn done(called: Result<impl Reply, Fault>) -> Outcome {
    Outcome::Done(called.map_err(Failure::from).and_then(Reply::into_result))
}

fn later(called: Result<impl Future<Output = impl Reply> + Send + 'static, Fault>) -> Outcome {
    match called {
        Ok(running) => Outcome::Later(Box::pin(async move { running.await.into_result() })),
        Err(fault) => Outcome::Done(Err(fault.into())),
    }
}

/// The parameters of a function, as a tuple.
trait Params: Sized {
    fn signature<R: Reply>() -> Signature;

    fn parse(arguments: Arguments<'_>) -> Result<Self, Fault>;
}

macro_rules! functions {
    ($($param:ident)*) => {
        impl<$($param: Param),*> Params for ($($param,)*) {
            fn signature<R: Reply>() -> Signature {
                let params: Vec<Option<Parameter>> = vec![$($param::parameter()),*];
                Signature {
                    returns: R::type_name(),
                    params: params.into_iter().flatten().collect(),
                    foreign_date: R::foreign_date(),
                }
            }

            #[allow(unused_mut, unused_variables)]
            fn parse(mut arguments: Arguments<'_>) -> Result<Self, Fault> {
                Ok(($($param::take(&mut arguments)?,)*))
            }
        }

        impl<F, R, $($param),*> Function<(Inline, R, $($param,)*)> for F
        where
            F: Fn($($param),*) -> R + Send + Sync + 'static,
            R: Reply,
            $($param: Param,)*
        {
            fn signature(&self) -> Signature {
                <($($param,)*)>::signature::<R>()
            }

            #[allow(non_snake_case)]
            fn call(&self, arguments: Arguments<'_>) -> Outcome {
                done(Params::parse(arguments).map(|($($param,)*)| self($($param),*)))
            }
        }

        impl<F, R, $($param),*> SyncFunction<(Inline, R, $($param,)*)> for F {}

        impl<F, R, $($param),*> Function<(InlineFrom, R, $($param,)*)> for F
        where
            F: Fn(&Caller, $($param),*) -> R + Send + Sync + 'static,
            R: Reply,
            $($param: Param,)*
        {
            fn signature(&self) -> Signature {
                <($($param,)*)>::signature::<R>()
            }

            #[allow(non_snake_case)]
            fn call(&self, arguments: Arguments<'_>) -> Outcome {
                let caller = arguments.caller();
                done(Params::parse(arguments).map(|($($param,)*)| self(caller, $($param),*)))
            }
        }

        impl<F, R, $($param),*> SyncFunction<(InlineFrom, R, $($param,)*)> for F {}

        impl<F, Fut, R, $($param),*> Function<(Async, R, $($param,)*)> for F
        where
            F: Fn($($param),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: Reply,
            $($param: Param,)*
        {
            fn signature(&self) -> Signature {
                <($($param,)*)>::signature::<R>()
            }

            #[allow(non_snake_case)]
            fn call(&self, arguments: Arguments<'_>) -> Outcome {
                later(Params::parse(arguments).map(|($($param,)*)| self($($param),*)))
            }
        }

        impl<S, F, R, $($param),*> StateFunction<S, (With<Inline, Borrowed>, R, $($param,)*)> for F
        where
            F: Fn(&S, $($param),*) -> R + Send + Sync + 'static,
            R: Reply,
            $($param: Param,)*
        {
            fn signature(&self) -> Signature {
                <($($param,)*)>::signature::<R>()
            }

            #[allow(non_snake_case)]
            fn call(&self, state: &Arc<S>, arguments: Arguments<'_>) -> Outcome {
                done(Params::parse(arguments).map(|($($param,)*)| self(state, $($param),*)))
            }
        }

        impl<F, R, $($param),*> SyncFunction<(With<Inline, Borrowed>, R, $($param,)*)> for F {}

        impl<S, F, R, $($param),*> StateFunction<S, (With<Inline, Shared>, R, $($param,)*)> for F
        where
            F: Fn(Arc<S>, $($param),*) -> R + Send + Sync + 'static,
            R: Reply,
            $($param: Param,)*
        {
            fn signature(&self) -> Signature {
                <($($param,)*)>::signature::<R>()
            }

            #[allow(non_snake_case)]
            fn call(&self, state: &Arc<S>, arguments: Arguments<'_>) -> Outcome {
                done(Params::parse(arguments).map(|($($param,)*)| self(state.clone(), $($param),*)))
            }
        }

        impl<F, R, $($param),*> SyncFunction<(With<Inline, Shared>, R, $($param,)*)> for F {}

        impl<S, F, Fut, R, $($param),*> StateFunction<S, (With<Async, Shared>, R, $($param,)*)> for F
        where
            F: Fn(Arc<S>, $($param),*) -> Fut + Send + Sync + 'static,
            Fut: Future<Output = R> + Send + 'static,
            R: Reply,
            $($param: Param,)*
        {
            fn signature(&self) -> Signature {
                <($($param,)*)>::signature::<R>()
            }

            #[allow(non_snake_case)]
            fn call(&self, state: &Arc<S>, arguments: Arguments<'_>) -> Outcome {
                later(Params::parse(arguments).map(|($($param,)*)| self(state.clone(), $($param),*)))
            }
        }

        impl<'a, S, F, Fut, R, $($param),*> Borrowing<'a, S, ($($param,)*)> for F
        where
            S: 'a,
            F: Fn(&'a S, $($param),*) -> Fut,
            Fut: Future<Output = R> + Send + 'a,
        {
            type Returned = R;
            type Running = Fut;

            #[allow(non_snake_case)]
            fn start(&self, state: &'a S, ($($param,)*): ($($param,)*)) -> Fut {
                self(state, $($param),*)
            }
        }

        impl<S, F, R, $($param),*> StateFunction<S, (With<Async, Borrowed>, R, $($param,)*)> for F
        where
            S: Send + Sync + 'static,
            F: for<'a> Borrowing<'a, S, ($($param,)*), Returned = R> + Clone + Send + Sync + 'static,
            R: Reply,
            $($param: Param + Send + 'static,)*
        {
            fn signature(&self) -> Signature {
                <($($param,)*)>::signature::<R>()
            }

            fn call(&self, state: &Arc<S>, arguments: Arguments<'_>) -> Outcome {
                let params = <($($param,)*)>::parse(arguments);
                let (function, state) = (self.clone(), state.clone());
                later(params.map(|params| async move { function.start(&state, params).await }))
            }
        }
    };
}

functions!();
functions!(A);
functions!(A B);
functions!(A B C);
functions!(A B C D);
functions!(A B C D E);
functions!(A B C D E G);
functions!(A B C D E G H);
functions!(A B C D E G H I);
// Eight and a caller.
functions!(A B C D E G H I J);
