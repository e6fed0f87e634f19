//! A `Result` is never a value: what an `Err` becomes, of whatever type, however it is published.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::error::Error;
use std::io;
use std::sync::Arc;

use callbox::{Fault, Registry, Reply, Value, code, methods};
use edge::{DEFAULTS, array, ask, entry, fault, multicall, start};
use serde::{Deserialize, Serialize};

/// An error of one's own.
enum Trouble {
    SoldOut,
}

impl From<Trouble> for Fault {
    fn from(trouble: Trouble) -> Self {
        match trouble {
            Trouble::SoldOut => Self::new(409, "sold out"),
        }
    }
}

/// An error that serde reads and writes too, and that could be a result itself.
#[derive(Serialize, Deserialize, Reply)]
struct Refusal {
    why: String,
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::new(7, refusal.why)
    }
}

/// An error that every other one becomes by `?`.
struct AnyError(Box<dyn Error + Send + Sync>);

impl<E: Error + Send + Sync + 'static> From<E> for AnyError {
    fn from(error: E) -> Self {
        Self(Box::new(error))
    }
}

impl From<AnyError> for Fault {
    fn from(error: AnyError) -> Self {
        Self::from_error(error.0)
    }
}

type Res<T> = Result<T, String>;
type Made = Res<i32>;

/// In the manner of `std::io::Result`.
mod shop {
    pub(super) type Result<T> = std::result::Result<T, super::Trouble>;
}

const REFUSED: i32 = code::APPLICATION_ERROR;

/// Each function below, and the fault that it ends with.
const FAULTS: [(&str, i32, &str); 11] = [
    ("of_fault", 3, "boom"),
    ("of_string", REFUSED, "boom"),
    ("of_str", REFUSED, "boom"),
    ("of_own", 409, "sold out"),
    ("of_serde", 7, "full"),
    ("aliased", REFUSED, "boom"),
    ("aliased_whole", REFUSED, "boom"),
    ("aliased_own", 409, "sold out"),
    ("shown", REFUSED, "out of paper"),
    ("boxed", REFUSED, "out of paper"),
    ("of_any", REFUSED, "out of paper"),
];

fn io_error() -> io::Error {
    io::Error::other("out of paper")
}

/// The functions, each with `&self` or none, as `$qualifier` functions of a `$type` under `$prefix`.
macro_rules! failing {
    ($type:ident $prefix:literal, #[$attribute:meta] $($qualifier:ident)?) => {
        struct $type;

        #[methods(prefix = $prefix)]
        impl $type {
            #[$attribute]
            $($qualifier)? fn of_fault(&self) -> Result<i32, Fault> {
                Err(Fault::new(3, "boom"))
            }

            #[$attribute]
            $($qualifier)? fn of_string() -> Result<i32, String> {
                Err("boom".to_owned())
            }

            #[$attribute]
            $($qualifier)? fn of_str(&self) -> Result<i32, &'static str> {
                Err("boom")
            }

            #[$attribute]
            $($qualifier)? fn of_own(self: Arc<Self>) -> Result<i32, Trouble> {
                Err(Trouble::SoldOut)
            }

            #[$attribute]
            $($qualifier)? fn of_serde(&self) -> Result<i32, Refusal> {
                Err(Refusal { why: "full".to_owned() })
            }

            #[$attribute]
            $($qualifier)? fn aliased(&self) -> Res<i32> {
                Err("boom".to_owned())
            }

            #[$attribute]
            $($qualifier)? fn aliased_whole(&self) -> Made {
                Err("boom".to_owned())
            }

            #[$attribute]
            $($qualifier)? fn aliased_own(&self) -> shop::Result<i32> {
                Err(Trouble::SoldOut)
            }

            #[$attribute]
            $($qualifier)? fn shown(&self) -> Result<i32, Fault> {
                Err(io_error()).map_err(Fault::from_error)
            }

            #[$attribute]
            $($qualifier)? fn boxed(&self) -> Result<i32, Fault> {
                let error: Box<dyn Error + Send + Sync> = Box::new(io_error());
                Err(Fault::from_error(error))
            }

            #[$attribute]
            $($qualifier)? fn of_any(&self) -> Result<i32, AnyError> {
                Err(io_error())?;
                Ok(1)
            }
        }
    };
}

failing!(Inline "inline", #[method]);
failing!(Later "later", #[method] async);
failing!(Aside "aside", #[method(blocking)]);

/// Publishes functions of `Inline` by hand, in every way that there is.
macro_rules! add_failing {
    ($registry:ident, $($name:ident)*) => {$({
        const NAME: &str = stringify!($name);
        let call = || add_failing!(@call $name);
        $registry.add(format!("add.{NAME}"), "", call);
        $registry.add(format!("add.later.{NAME}"), "", move || async move { call() });
        $registry.add_blocking(format!("add.aside.{NAME}"), "", call);
        let mut scope = $registry.with(());
        scope.add(format!("scope.{NAME}"), "", move |_: &()| call());
        scope.add(format!("scope.later.{NAME}"), "", move |_: Arc<()>| async move { call() });
        scope.add_blocking(format!("scope.aside.{NAME}"), "", move |_: &()| call());
    })*};
    (@call of_string) => { Inline::of_string() };
    (@call of_own) => { Arc::new(Inline).of_own() };
    (@call $name:ident) => { Inline.$name() };
}

fn registry() -> Registry {
    let mut registry = Registry::new();
    registry.add_methods(Inline).add_methods(Later).add_methods(Aside);
    add_failing!(registry, of_fault of_string of_str of_own of_serde);
    add_failing!(registry, aliased aliased_whole aliased_own shown boxed of_any);
    registry
}

const WAYS: [&str; 9] = [
    "inline",
    "later",
    "aside",
    "add",
    "add.later",
    "add.aside",
    "scope",
    "scope.later",
    "scope.aside",
];

#[tokio::test]
async fn error_is_a_fault_whatever_its_type() {
    let addr = start(registry(), DEFAULTS).await;
    for way in WAYS {
        for (name, code, text) in FAULTS {
            let method = format!("{way}.{name}");
            assert_eq!(ask(addr, &method, &[]).await, Err((code, text.to_owned())), "{method}");
            let entries = multicall(addr, &[entry(&method, "")]).await;
            assert_eq!(entries, Ok(array([fault(code, text)])), "{method}");
            let signature = ask(addr, "system.methodSignature", &[&method]).await;
            assert_eq!(signature, Ok(array([array(["int"])])), "{method}");
        }
    }
}

/// What peers must never see: an error as a success.
#[tokio::test]
async fn error_is_not_answered_as_a_struct() {
    let addr = start(registry(), DEFAULTS).await;
    let document = edge::post("/", "", &edge::call("inline.of_string", &[]));
    let response = edge::exchange(addr, &document).await;
    assert!(response.text().contains("<methodResponse><fault>"), "{response:?}");
    assert!(!response.text().contains("Err"), "{response:?}");
}

/// Results that are nested in values, which no signature tells.
struct Nested;

/// A result under the name of a trait's type, which the macro cannot see through.
trait Shape: Send + Sync + 'static {
    type Answer: Serialize + serde::de::DeserializeOwned + 'static;

    fn answer(&self) -> Self::Answer;
}

struct Hidden<S>(S);

#[methods(prefix = "nested")]
impl<S: Shape> Hidden<S> {
    fn hidden(&self) -> S::Answer {
        self.0.answer()
    }
}

impl Shape for () {
    type Answer = Result<i32, String>;

    fn answer(&self) -> Self::Answer {
        Err("boom".to_owned())
    }
}

#[derive(Serialize, Deserialize, Reply)]
#[serde(transparent)]
struct Wrapped(Result<i32, String>);

#[derive(Serialize, Deserialize, Reply)]
struct Held {
    inner: Result<i32, String>,
}

#[methods(prefix = "nested")]
impl Nested {
    fn option(&self) -> Option<Result<i32, String>> {
        Some(Err("boom".to_owned()))
    }

    fn list(&self) -> Vec<Result<i32, String>> {
        vec![Ok(1), Err("boom".to_owned())]
    }

    fn right_list(&self) -> Vec<Result<i32, String>> {
        vec![Ok(1)]
    }

    fn twice(&self) -> Result<Result<i32, String>, Fault> {
        Ok(Err("boom".to_owned()))
    }

    fn pair(&self) -> (i32, Result<(), String>) {
        (1, Err("boom".to_owned()))
    }

    fn member(&self) -> Held {
        Held { inner: Err("boom".to_owned()) }
    }

    fn wrapped(&self) -> Wrapped {
        Wrapped(Err("boom".to_owned()))
    }
}

#[tokio::test]
async fn result_within_a_value_is_an_internal_error() {
    let mut registry = Registry::new();
    registry.add_methods(Nested).add_methods(Hidden(()));
    registry.add("add.option", "", || Some(Err::<i32, _>("boom".to_owned())));
    registry.add("add.list", "", || vec![Ok(1), Err("boom".to_owned())]);
    registry.add("add.twice", "", || Ok::<_, Fault>(Err::<i32, _>("boom".to_owned())));
    registry.add("add.member", "", || Held { inner: Err("boom".to_owned()) });
    registry.add("add.wrapped", "", || Wrapped(Err("boom".to_owned())));
    let addr = start(registry, DEFAULTS).await;
    let internal = Fault::internal();
    for method in [
        "nested.option",
        "nested.list",
        "nested.right_list",
        "nested.twice",
        "nested.pair",
        "nested.member",
        "nested.wrapped",
        "nested.hidden",
        "add.option",
        "add.list",
        "add.twice",
        "add.member",
        "add.wrapped",
    ] {
        let expected = Err((internal.code, internal.message.clone()));
        assert_eq!(ask(addr, method, &[]).await, expected, "{method}");
        let entries = multicall(addr, &[entry(method, "")]).await;
        assert_eq!(entries, Ok(array([fault(internal.code, &internal.message)])), "{method}");
    }
}

#[tokio::test]
async fn value_of_a_result_is_its_own() {
    let mut registry = Registry::new();
    registry.add("unit", "", || Ok::<(), Trouble>(()));
    registry.add("text", "", || Ok::<_, Fault>("a"));
    registry.add("refusal", "", || Ok::<_, Refusal>(Refusal { why: "none".to_owned() }));
    registry.add("value", "", || Res::Ok(Value::from(1)));
    let addr = start(registry, DEFAULTS).await;
    for (method, type_name) in
        [("unit", "nil"), ("text", "string"), ("refusal", "struct"), ("value", "any")]
    {
        let signature = ask(addr, "system.methodSignature", &[method]).await;
        assert_eq!(signature, Ok(array([array([type_name])])), "{method}");
        assert!(ask(addr, method, &[]).await.is_ok(), "{method}");
    }
}
