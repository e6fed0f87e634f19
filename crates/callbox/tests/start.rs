//! What keeps a registry from being published, by each way to publish it.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::future::pending;

use callbox::{Caller, Registry, RegistryError, Server, ServerError, Settings, Value, methods};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

struct Twice;

#[methods(prefix = "m")]
impl Twice {
    fn name() {}
}

#[derive(Serialize, Deserialize)]
struct Point {
    x: i32,
}

/// Text or a number; only a look at the value tells.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Either {
    Number(i64),
    Text(String),
}

type Fill = fn(&mut Registry);

fn filled(fill: Fill) -> Registry {
    let mut registry = Registry::new();
    fill(&mut registry);
    registry
}

fn of_registry(error: ServerError) -> Option<RegistryError> {
    match error {
        ServerError::Registry(error) => Some(error),
        _ => None,
    }
}

/// Each way to start tells `text`, and `kind` is the error's variant.
async fn check(fill: Fill, kind: fn(&RegistryError) -> bool, text: &str) {
    let error = filled(fill).check().unwrap_err();
    assert!(kind(&error), "{error:?}");
    assert_eq!(error.to_string(), text);
    assert!(!text.contains('\n'), "it is one line");

    let router = Server::new(filled(fill)).router::<()>();
    assert_eq!(router.err().and_then(of_registry), Some(error.clone()));
    let service = Server::new(filled(fill)).service();
    assert_eq!(service.err().and_then(of_registry), Some(error.clone()));

    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let ran = Server::new(filled(fill)).listener(listener).run(pending()).await.unwrap_err();
    assert_eq!(ran.to_string(), text);
    assert!(matches!(ran, ServerError::Registry(told) if told == error), "{text}");
}

#[tokio::test]
async fn name_is_published_once() {
    let rows: [(Fill, &str); 3] = [
        (
            |registry| {
                registry.add("a", "", || 1);
                registry.add("b", "", || 1);
                registry.add("a", "", || "x");
            },
            "method \"a\" is published twice",
        ),
        (
            |registry| {
                registry.add_methods(Twice).add_methods(Twice);
            },
            "method \"m.name\" is published twice",
        ),
        (
            |registry| {
                registry.with(()).add("m.name", "", |_: &()| 1);
                registry.add_methods(Twice);
            },
            "method \"m.name\" is published twice",
        ),
    ];
    for (fill, text) in rows {
        check(fill, |error| matches!(error, RegistryError::Duplicate(_)), text).await;
    }
}

#[tokio::test]
async fn names_of_the_service_are_its_own() {
    let is_it = |error: &RegistryError| matches!(error, RegistryError::Reserved(_));
    let fill: Fill = |registry| _ = registry.add("system.listMethods", "", || 1);
    let text = "method \"system.listMethods\": names in \"system.\" belong to the service";
    check(fill, is_it, text).await;
    let fill: Fill = |registry| _ = registry.add("system.", "", || 1);
    check(fill, is_it, "method \"system.\": names in \"system.\" belong to the service").await;
    let fill: Fill = |registry| {
        registry.add("system", "", || 1);
        registry.add("System.listMethods", "", || 1);
        registry.add("systems.list", "", || 1);
    };
    assert_eq!(filled(fill).check(), Ok(()));
}

#[tokio::test]
async fn name_can_be_sent() {
    let is_it = |error: &RegistryError| matches!(error, RegistryError::Unnameable(_));
    let why = "a name has 1 to 256 bytes, no blanks or control characters";
    let rows: [(Fill, String); 5] = [
        (|registry| _ = registry.add("", "", || 1), "\"\"".into()),
        (|registry| _ = registry.add("a b", "", || 1), "\"a b\"".into()),
        (|registry| _ = registry.add("a\nb", "", || 1), "\"a\\nb\"".into()),
        (|registry| _ = registry.add("a\u{ffff}", "", || 1), "\"a\\u{ffff}\"".into()),
        (|registry| _ = registry.add("x".repeat(257), "", || 1), format!("{:?}", "x".repeat(257))),
    ];
    for (fill, name) in rows {
        check(fill, is_it, &format!("method {name}: {why}")).await;
    }
    for name in ["x".repeat(256), "größe".into(), "a/b:c_d-e".into(), "<&>".into()] {
        let mut registry = Registry::new();
        registry.add(name.clone(), "", || 1);
        assert_eq!(registry.check(), Ok(()), "{name}");
    }
}

#[tokio::test]
async fn function_that_is_never_called_is_told() {
    let rows: [(Fill, &str, &str); 9] = [
        (|registry| _ = registry.add("f", "", |a: f64| a).or(|_: i32| 1), "(int)", "(double)"),
        (|registry| _ = registry.add("f", "", |_: i32| 1).or(|_: i64| 1), "(int)", "(int)"),
        (|registry| _ = registry.add("f", "", |_: Value| 1).or(|_: bool| 1), "(boolean)", "(any)"),
        (|registry| _ = registry.add("f", "", |_: Either| 1).or(|_: bool| 1), "(boolean)", "(any)"),
        (|registry| _ = registry.add("f", "", || 1).or(|| 2), "()", "()"),
        (
            |registry| _ = registry.add("f", "", |_: i32, _: Option<bool>| 1).or(|_: i32| 1),
            "(int)",
            "(int, [boolean])",
        ),
        (|registry| _ = registry.add("f", "", |_: Option<i32>| 1).or(|| 1), "()", "([int])"),
        (
            |registry| _ = registry.add("f", "", |_: Point| 1).or(|_: Point| 1),
            "(struct)",
            "(struct)",
        ),
        (
            |registry| {
                let mut scope = registry.with(());
                scope
                    .add("f", "", |_: &(), _: String| 1)
                    .or(|_: &(), _: bool| 2)
                    .or_blocking(|_: &(), _: Caller, _: String| 3);
            },
            "(string)",
            "(string)",
        ),
    ];
    let is_it = |error: &RegistryError| matches!(error, RegistryError::Shadowed { .. });
    for (fill, later, earlier) in rows {
        let text = format!(
            "method \"f\": its function of {later} is never called, since that of {earlier} before it takes the same"
        );
        check(fill, is_it, &text).await;
    }
}

#[test]
fn functions_that_differ_are_called_each() {
    let rows: [Fill; 9] = [
        |registry| _ = registry.add("f", "", |_: i64| 1).or(|_: f64| 1).or(|_: String| 1),
        |registry| _ = registry.add("f", "", |_: i64| 1).or(|_: String| 1),
        |registry| _ = registry.add("f", "", |_: Point| 1).or(|_: Vec<i32>| 1),
        |registry| _ = registry.add("f", "", |_: i32| 1).or(|_: Option<i32>| 1),
        |registry| _ = registry.add("f", "", |_: i32| 1).or(|_: i32, _: i32| 1),
        |registry| _ = registry.add("f", "", |_: i32, _: i32| 1).or(|_: i32| 1),
        |registry| _ = registry.add("f", "", |_: String| 1).or(|_: Value| 1),
        |registry| _ = registry.add("f", "", |_: Option<i32>| 1).or(|_: String| 1),
        |registry| _ = registry.add("f", "", |_: i32, _: Option<i32>| 1).or(|_: i32, _: bool| 1),
    ];
    for fill in rows {
        assert_eq!(filled(fill).check(), Ok(()));
    }
}

#[tokio::test]
async fn parameters_have_a_name_each_or_none() {
    let rows: [(Fill, usize, usize); 6] = [
        (|registry| _ = registry.add("f", "", |_: i32| 1).names(["a", "b"]), 1, 2),
        (|registry| _ = registry.add("f", "", |_: i32, _: i32| 1).names(["a"]), 2, 1),
        (|registry| _ = registry.add("f", "", |_: i32, _: i32| 1).names(["a", "a"]), 2, 1),
        (|registry| _ = registry.add("f", "", |_: i32, _: i32| 1).names(["a", ""]), 2, 1),
        (|registry| _ = registry.add("f", "", |_: Caller, _: i32| 1).names(["caller", "a"]), 1, 2),
        (
            |registry| _ = registry.add("f", "", |_: i32| 1).or(|_: i32, _: i32| 1).names(["a"]),
            2,
            1,
        ),
    ];
    let is_it = |error: &RegistryError| matches!(error, RegistryError::ParameterNames { .. });
    for (fill, parameters, names) in rows {
        let text = format!("method \"f\" has {parameters} parameters and {names} names for them");
        check(fill, is_it, &text).await;
    }
    let fill: Fill = |registry| {
        registry.add("f", "", |_: i32| 1).or(|_: i32, _: i32| 1).names(["a", "b"]);
        registry.add("g", "", |_: &Caller, _: i32, _: Caller| 1).names(["a"]);
        registry.add("h", "", |_: i32| 1);
    };
    assert_eq!(filled(fill).check(), Ok(()));
}

/// The process's exit code; its line on stderr is that of the error.
#[test]
fn process_with_such_a_registry_ends_with_exit_code_2() {
    let code = callbox::serve_with(&Settings::default(), || {
        let mut registry = Registry::new();
        registry.add_methods(Twice).add_methods(Twice);
        Ok(registry)
    });
    assert_eq!(format!("{code:?}"), format!("{:?}", std::process::ExitCode::from(2)));
}
