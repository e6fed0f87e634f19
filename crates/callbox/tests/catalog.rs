//! Methods that come and go while the service runs, by real calls.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;
mod probe;

use std::net::SocketAddr;
use std::time::Duration;

use callbox::{
    Catalog, CatalogMethod, CatalogPattern, PeerLimits, Registry, RegistryError, Value, code,
};
use edge::{DEFAULTS, arithmetic, array, ask, call, entry, exchange, multicall, post, start};
use probe::Probe;

/// Serves arithmetic and a catalog.
async fn serve(limit: impl FnOnce(&mut PeerLimits)) -> (Catalog, SocketAddr) {
    let catalog = Catalog::new();
    let mut registry = arithmetic();
    registry.add_catalog(&catalog);
    (catalog, start(registry, limit).await)
}

fn gone(name: &str) -> Result<Value, (i32, String)> {
    Err((code::METHOD_NOT_FOUND, format!("no such method: {name}")))
}

/// What a probe answers that is called by `name` without parameters.
fn echo(name: &str) -> Result<Value, (i32, String)> {
    Ok(array([name]))
}

/// The names that are listed, those of the service and of arithmetic aside.
async fn listed(addr: SocketAddr) -> Vec<String> {
    let Ok(Value::Array(names)) = ask(addr, "system.listMethods", &[]).await else { panic!() };
    let names = names.into_vec().into_iter().map(|name| name.as_str().unwrap().to_owned());
    let own = |name: &String| name.starts_with("system.") || name.ends_with("tion");
    names.filter(|name| !own(name)).collect()
}

#[tokio::test]
async fn methods_come_and_go_while_the_service_runs() {
    let (catalog, addr) = serve(DEFAULTS).await;
    let probe = Probe::new(false);
    assert_eq!(ask(addr, "radio.on", &[]).await, gone("radio.on"));
    assert_eq!(listed(addr).await, [""; 0]);

    catalog.publish(probe.methods(&["radio.on", "radio.off"]), vec![]).unwrap();
    assert_eq!(ask(addr, "radio.on", &[]).await, echo("radio.on"));
    let numbered = ask(addr, "radio.off", &["<int>1</int>", "x"]).await;
    assert_eq!(numbered, Ok(array([Value::from("radio.off"), 1.into(), "x".into()])));
    assert_eq!(listed(addr).await, ["radio.off", "radio.on"]);

    catalog.publish(probe.methods(&["radio.off", "radio.scan"]), vec![]).unwrap();
    assert_eq!(ask(addr, "radio.on", &[]).await, gone("radio.on"));
    assert_eq!(ask(addr, "system.methodHelp", &["radio.on"]).await, gone("radio.on"));
    assert_eq!(ask(addr, "radio.scan", &[]).await, echo("radio.scan"));
    assert_eq!(listed(addr).await, ["radio.off", "radio.scan"]);

    catalog.publish(vec![], vec![]).unwrap();
    assert_eq!(ask(addr, "radio.off", &[]).await, gone("radio.off"));
    assert!(ask(addr, "addition", &["<int>1</int>", "<int>2</int>"]).await.is_ok());
}

#[tokio::test]
async fn call_under_way_ends_on_the_method_that_is_gone() {
    let (catalog, addr) = serve(DEFAULTS).await;
    let (old, new) = (Probe::new(false), Probe::new(false));
    catalog.publish(old.methods(&["hold"]), vec![]).unwrap();
    let under_way = tokio::spawn(async move { ask(addr, "hold", &[]).await });
    while old.asked().is_empty() {
        tokio::task::yield_now().await;
    }
    catalog.publish(new.methods(&["other"]), vec![]).unwrap();
    assert_eq!(ask(addr, "hold", &[]).await, gone("hold"));
    old.open();
    assert_eq!(under_way.await.unwrap(), echo("hold"));
    assert_eq!(new.asked(), [[""; 0]; 0]);
}

#[tokio::test]
async fn nearest_method_of_a_name_wins() {
    let probes = [(); 3].map(|()| Probe::new(false));
    let [first, second, patterns] = &probes;
    let catalogs = [(); 2].map(|()| Catalog::new());
    let mut registry = arithmetic();
    registry.add_catalog(&catalogs[0]).add_catalog(&catalogs[1]);
    let addr = start(registry, DEFAULTS).await;
    let all = patterns.pattern("");
    catalogs[0].publish(first.methods(&["addition", "a", "b"]), vec![all]).unwrap();
    catalogs[1].publish(second.methods(&["b", "c"]), vec![]).unwrap();
    let two = ["<int>1</int>", "<int>2</int>"];
    assert_eq!(ask(addr, "addition", &two).await, Ok(3.into()));
    for name in ["a", "b", "c", "d"] {
        assert_eq!(ask(addr, name, &[]).await, echo(name));
    }
    assert_eq!(probes.map(|probe| probe.asked().concat().concat()), ["ab", "c", "d"]);
    assert_eq!(listed(addr).await, ["a", "b", "c"], "each once");
    let Ok(Value::Array(names)) = ask(addr, "system.listMethods", &[]).await else { panic!() };
    let additions = names.iter().filter(|name| name.as_str() == Some("addition"));
    assert_eq!(additions.count(), 1);
}

#[tokio::test]
async fn system_methods_tell_what_is_known() {
    let (catalog, addr) = serve(DEFAULTS).await;
    let handler = Probe::new(false).handler();
    let method = CatalogMethod::new("radio.tune", "Tunes in.", handler)
        .names(["hertz", "mode"])
        .signature(["nil", "int"])
        .signature(["nil", "int", "strange"]);
    assert_eq!(method.parameter_names().collect::<Vec<_>>(), ["hertz", "mode"]);
    let probe = Probe::new(false);
    catalog.publish(vec![method, probe.method("radio.on")], vec![probe.pattern("d.")]).unwrap();
    let signatures = array([array(["nil", "int"]), array(["nil", "int", "strange"])]);
    for (name, help, signature) in [
        ("radio.tune", "Tunes in.", signatures),
        ("radio.on", "Does radio.on.", "undef".into()),
        ("d.name", "", "undef".into()),
    ] {
        assert_eq!(ask(addr, "system.methodHelp", &[name]).await, Ok(help.into()));
        assert_eq!(ask(addr, "system.methodSignature", &[name]).await, Ok(signature), "{name}");
    }
    assert_eq!(listed(addr).await, ["radio.on", "radio.tune"]);
}

#[tokio::test]
async fn wrong_names_are_refused_and_change_nothing() {
    let (catalog, addr) = serve(DEFAULTS).await;
    let probe = Probe::new(false);
    catalog.publish(probe.methods(&["kept"]), vec![]).unwrap();
    let refuse = |names: &[&str], patterns, expected: RegistryError| {
        assert_eq!(catalog.publish(probe.methods(names), patterns), Err(expected), "{names:?}");
    };
    let reserved = |name: &str| RegistryError::Reserved(name.to_owned());
    let unnameable = |name: &str| RegistryError::Unnameable(name.to_owned());
    refuse(&["fine", "system.exec"], vec![], reserved("system.exec"));
    refuse(&["system.listMethods"], vec![], reserved("system.listMethods"));
    refuse(&["a b"], vec![], unnameable("a b"));
    refuse(&[""], vec![], unnameable(""));
    let long = "x".repeat(257);
    refuse(&[&long], vec![], unnameable(&long));
    refuse(&["two", "one", "two"], vec![], RegistryError::Duplicate("two".to_owned()));
    refuse(&[], vec![probe.pattern("system.")], reserved("system.*"));
    assert_eq!(listed(addr).await, ["kept"]);
}

#[tokio::test]
async fn pattern_is_called_by_the_name_that_it_fits_and_never_in_system() {
    let (catalog, addr) = serve(DEFAULTS).await;
    let probe = Probe::new(false);
    catalog.publish(vec![], vec![probe.pattern("d."), probe.pattern("t.")]).unwrap();
    for name in ["d.name", "t.a.b"] {
        assert_eq!(ask(addr, name, &[]).await, echo(name));
    }
    assert_eq!(ask(addr, "e.name", &[]).await, gone("e.name"));

    catalog.publish(vec![], vec![probe.pattern("")]).unwrap();
    let long = "x".repeat(257);
    for name in ["system.exec", "a b", "a\tb", &long] {
        assert_eq!(ask(addr, name, &[]).await.unwrap_err().0, code::METHOD_NOT_FOUND, "{name:?}");
    }
    assert_eq!(probe.asked(), [["d.name"], ["t.a.b"]]);
}

#[tokio::test]
async fn handler_that_misbehaves_is_an_internal_error_of_its_caller() {
    let (catalog, addr) = serve(DEFAULTS).await;
    let probe = Probe::new(false);
    let names = ["panic", "later_panic", "nan", "refuse", "fine"];
    catalog.publish(probe.methods(&names), vec![]).unwrap();
    for name in ["panic", "later_panic", "nan"] {
        let (code, _) = ask(addr, name, &[]).await.unwrap_err();
        assert_eq!(code, code::INTERNAL_ERROR, "{name}");
    }
    assert_eq!(ask(addr, "refuse", &[]).await, Err((7, "no".to_owned())));
    let entries: Vec<_> = names.iter().map(|name| entry(name, "")).collect();
    let Ok(Value::Array(results)) = multicall(addr, &entries).await else { panic!() };
    let code = |value: &Value| match value {
        Value::Struct(fault) => fault.get("faultCode").and_then(Value::as_int),
        _ => None,
    };
    let codes: Vec<_> = results.iter().map(code).collect();
    assert_eq!(codes, [Some(-32603), Some(-32603), Some(-32603), Some(7), None]);
}

#[tokio::test]
async fn method_deadline_ends_the_wait_for_a_handler() {
    let deadline = Duration::from_millis(50);
    let (catalog, addr) = serve(|limits| limits.method_deadline = deadline).await;
    catalog.publish(Probe::new(false).methods(&["forever"]), vec![]).unwrap();
    let answer = exchange(addr, &post("/", "", &call("forever", &[]))).await;
    assert_eq!(answer.status, 504);
}

#[test]
fn catalog_tells_how_much_it_has() {
    let (catalog, probe) = (Catalog::new(), Probe::new(false));
    let pattern: CatalogPattern = probe.pattern("d.");
    assert_eq!((pattern.label(), pattern.fits("d.a"), pattern.fits("e.a")), ("d.*", true, false));
    catalog.clone().publish(probe.methods(&["a", "b"]), vec![pattern]).unwrap();
    assert_eq!(format!("{catalog:?}"), "Catalog { methods: 2, patterns: 1 }");
    let mut registry = Registry::new();
    registry.add_catalog(&catalog);
    assert_eq!((registry.check(), registry.methods().len()), (Ok(()), 0));
}
