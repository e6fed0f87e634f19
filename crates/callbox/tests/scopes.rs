//! Functions that share a state.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};

use callbox::{Caller, Registry, Value};
use edge::{DEFAULTS, array, ask, start};

/// A state that cannot be cloned.
#[derive(Default)]
struct Counter {
    count: AtomicI64,
}

impl Counter {
    fn add(&self, number: i64) -> i64 {
        self.count.fetch_add(number, Ordering::Relaxed) + number
    }
}

fn add(counter: &Counter, number: i64) -> i64 {
    counter.add(number)
}

async fn add_later(counter: &Counter, number: i64) -> Result<i64, String> {
    tokio::task::yield_now().await;
    Ok(counter.add(number))
}

async fn get_later(counter: &Counter) -> i64 {
    counter.add(0)
}

async fn add_shared(counter: Arc<Counter>, caller: Caller, number: i64) -> i64 {
    tokio::task::yield_now().await;
    assert_eq!(caller.listener(), Some("xmlrpc"));
    counter.add(number)
}

fn registry(counter: Counter) -> Registry {
    let mut registry = Registry::new();
    let mut scope = registry.with(counter);
    scope.add("item", "", add);
    scope.add("item.async", "", add_later);
    scope.add("item.shared", "", add_shared);
    scope.add("closure", "", |counter: &Counter, number: i64| counter.add(number));
    scope.add("closure.shared", "", |counter: Arc<Counter>, number: i64| counter.add(number));
    scope.add("closure.async", "", async |counter: Arc<Counter>, number: i64| counter.add(number));
    scope.add("closure.future", "", |counter: Arc<Counter>, number: i64| async move {
        counter.add(number)
    });
    scope.add("caller", "", |counter: &Counter, number: i64, caller: Caller| {
        counter.add(number + i64::from(caller.account().is_some()))
    });
    scope.add_blocking("blocking", "", add);
    scope.add_blocking("blocking.shared", "", |counter: Arc<Counter>, n: i64| counter.add(n));
    scope.add("get", "", |counter: &Counter| counter.add(0));
    scope.add("get.async", "", get_later);
    scope
        .add("either", "Adds what it is given.", add)
        .or(|_: &Counter, text: String| text)
        .or(async |_: Arc<Counter>, truth: bool| truth)
        .or_blocking(|_: &Counter, _: Vec<Value>| "list")
        .names(["what"]);
    registry
}

const ADDING: [&str; 10] = [
    "item",
    "item.async",
    "item.shared",
    "closure",
    "closure.shared",
    "closure.async",
    "closure.future",
    "caller",
    "blocking",
    "blocking.shared",
];

#[tokio::test]
async fn all_functions_of_a_scope_have_one_state() {
    let addr = start(registry(Counter::default()), DEFAULTS).await;
    for (method, count) in ADDING.into_iter().zip(1..) {
        assert_eq!(ask(addr, method, &["<int>1</int>"]).await, Ok(count.into()), "{method}");
        let signature = ask(addr, "system.methodSignature", &[method]).await;
        assert_eq!(signature, Ok(array([array(["int", "int"]), array(["i8", "i8"])])), "{method}");
    }
    for method in ["get", "get.async"] {
        assert_eq!(ask(addr, method, &[]).await, Ok(10.into()), "{method}");
    }
}

#[tokio::test]
async fn functions_of_one_name_are_told_apart_by_their_parameters() {
    let addr = start(registry(Counter::default()), DEFAULTS).await;
    for (param, expected) in [
        ("<int>2</int>", Value::from(2)),
        ("a", "a".into()),
        ("<boolean>1</boolean>", true.into()),
        ("<array><data/></array>", "list".into()),
    ] {
        assert_eq!(ask(addr, "either", &[param]).await, Ok(expected), "{param}");
    }
    let text = "params: expected (int) or (string) or (boolean) or (array), found (double)";
    let refused = Err((callbox::code::INVALID_PARAMS, text.to_owned()));
    assert_eq!(ask(addr, "either", &["<double>1</double>"]).await, refused);
}

#[tokio::test]
async fn functions_without_a_state_have_or_too() {
    let mut registry = Registry::new();
    registry
        .add_blocking("either", "", |number: i64| number)
        .or_blocking(|text: String| text)
        .or(async |truth: bool| truth)
        .names(["what"]);
    let addr = start(registry, DEFAULTS).await;
    assert_eq!(ask(addr, "either", &["<int>2</int>"]).await, Ok(2.into()));
    assert_eq!(ask(addr, "either", &["a"]).await, Ok("a".into()));
    assert_eq!(ask(addr, "either", &["<boolean>1</boolean>"]).await, Ok(true.into()));
}

#[test]
fn names_are_given_by_scopes_and_the_state_goes_with_the_registry() {
    let counter = Arc::new(Counter::default());
    let kept: Weak<Counter> = Arc::downgrade(&counter);
    let mut registry = Registry::new();
    registry.with_shared(counter).add("add", "Adds.", add).names(["number"]);
    let method = registry.methods().next().unwrap();
    assert_eq!((method.name(), method.help()), ("add", "Adds."));
    assert_eq!(method.parameter_names().collect::<Vec<_>>(), ["number"]);
    assert_eq!(registry.check(), Ok(()));
    drop(registry);
    assert!(kept.upgrade().is_none());
}
