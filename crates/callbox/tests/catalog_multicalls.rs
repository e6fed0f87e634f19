//! Multicalls whose entries go to one handler together.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;
mod probe;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use callbox::{Awaited, Caller, Catalog, CatalogMethod, Fault, Handler, PeerLimits, Value, code};
use edge::{DEFAULTS, arithmetic, array, entry, exchange, fault, multicall, post, start};
use probe::Probe;

/// Serves arithmetic and the methods `names` of probes that are asked together.
async fn serve<const N: usize>(
    probes: [(&Probe, &[&str]); N],
    limit: impl FnOnce(&mut PeerLimits),
) -> SocketAddr {
    let catalog = Catalog::new();
    let methods = probes.iter().flat_map(|(probe, names)| probe.methods(names)).collect();
    let patterns = probes.iter().take(1).map(|(probe, _)| probe.pattern("any.")).collect();
    catalog.publish(methods, patterns).unwrap();
    let mut registry = arithmetic();
    registry.add_catalog(&catalog);
    start(registry, limit).await
}

async fn results(addr: SocketAddr, names: &[&str]) -> Vec<Value> {
    let entries: Vec<_> = names.iter().map(|name| entry(name, "")).collect();
    let Ok(Value::Array(results)) = multicall(addr, &entries).await else { panic!() };
    results.into_vec()
}

/// The entry with what a probe answers that is called by `name` without parameters.
fn echo(name: &str) -> Value {
    array([array([name])])
}

fn internal() -> Value {
    fault(code::INTERNAL_ERROR, "internal error")
}

#[tokio::test]
async fn consecutive_entries_of_one_handler_are_one_question() {
    let (one, other) = (Probe::new(true), Probe::new(true));
    let addr = serve([(&one, &["a", "b"]), (&other, &["c", "d"])], DEFAULTS).await;
    let numbered =
        |name: &str, number: i32| entry(name, &format!("<value><int>{number}</int></value>"));
    let entries = [
        numbered("a", 0),
        numbered("b", 1),
        numbered("any.x", 2),
        numbered("c", 3),
        numbered("d", 4),
        numbered("a", 5),
        numbered("no.such", 6),
        numbered("b", 7),
        numbered("a", 8),
    ];
    let answered = multicall(addr, &entries).await;
    let told = |name: &str, number: i32| array([array([Value::from(name), number.into()])]);
    let expected = array([
        told("a", 0),
        told("b", 1),
        told("any.x", 2),
        told("c", 3),
        told("d", 4),
        told("a", 5),
        fault(code::METHOD_NOT_FOUND, "no such method: no.such"),
        told("b", 7),
        told("a", 8),
    ]);
    assert_eq!(answered, Ok(expected));
    assert_eq!(one.asked(), [&["a", "b", "any.x"][..], &["a"], &["b", "a"]]);
    assert_eq!(other.asked(), [["c", "d"]]);
}

#[tokio::test]
async fn calls_of_a_batch_go_together_as_those_of_a_multicall_do() {
    let probe = Probe::new(true);
    let addr = serve([(&probe, &["a", "b"])], DEFAULTS).await;
    let call =
        |method: &str, rest: &str| format!(r#"{{"jsonrpc": "2.0", "method": "{method}", {rest}}}"#);
    let batch = [
        call("a", r#""params": [1], "id": 1"#),
        call("b", r#""params": {"p1": 2}"#),
        call("b", r#""params": {"name": 2}, "id": 2"#),
        call("any.x", r#""id": 3"#),
    ];
    let body = format!("[{}]", batch.join(","));
    let answered = exchange(addr, &post("/jsonrpc", "", &body)).await;
    let refused =
        r#"{"jsonrpc":"2.0","error":{"code":-32602,"message":"no parameter name"},"id":2}"#;
    let told = |id: i32, told: &str| format!(r#"{{"jsonrpc":"2.0","result":{told},"id":{id}}}"#);
    let (first, last) = (told(1, r#"["a",1]"#), told(3, r#"["any.x"]"#));
    assert_eq!(answered.text(), format!("[{first},{refused},{last}]"));
    assert_eq!(probe.asked(), [&["a", "b"][..], &["any.x"]]);
}

#[tokio::test]
async fn questions_and_other_calls_are_made_in_order() {
    let (one, other) = (Probe::new(true), Probe::new(false));
    let addr = serve([(&one, &["a"]), (&other, &["c"])], DEFAULTS).await;
    let names = ["a", "a", "addition", "c", "c", "a", "system.multicall", "a"];
    let answered = results(addr, &names).await;
    for (name, answer) in names.iter().zip(answered) {
        let expected = match *name {
            "addition" => fault(
                code::INVALID_PARAMS,
                "params: expected (int, int) or (double, double) or (string, string), found ()",
            ),
            "system.multicall" => fault(code::INVALID_PARAMS, "a multicall cannot be nested"),
            name => echo(name),
        };
        assert_eq!(answer, expected, "{name}");
    }
    assert_eq!(one.asked(), [&["a", "a"][..], &["a"], &["a"]]);
    assert_eq!(other.asked(), [["c"], ["c"]], "it is not asked together");
}

#[tokio::test]
async fn each_result_of_a_question_is_as_good_or_bad_as_one_by_itself() {
    let names = ["a", "nan", "refuse", "deep", "b"];
    let (together, alone) = (Probe::new(true), Probe::new(false));
    let answered = results(serve([(&together, &names)], DEFAULTS).await, &names).await;
    let singly = results(serve([(&alone, &names)], DEFAULTS).await, &names).await;
    assert_eq!(answered, singly);
    assert_eq!((&answered[0], &answered[4]), (&echo("a"), &echo("b")));
    assert_eq!(answered[2], fault(7, "no"));
    assert_eq!(answered[3], internal());
    assert_eq!((together.asked().len(), alone.asked().len()), (1, names.len()));
}

#[tokio::test]
async fn wrong_number_of_results_or_a_panic_fails_the_whole_question_and_nothing_else() {
    for bad in ["fewer", "more", "panic", "later_panic"] {
        let (one, other) = (Probe::new(true), Probe::new(true));
        let addr = serve([(&one, &["a", bad]), (&other, &["c"])], DEFAULTS).await;
        let answered = results(addr, &["c", "c", "a", bad, "a", "c"]).await;
        let expected = [echo("c"), echo("c"), internal(), internal(), internal(), echo("c")];
        assert_eq!(answered, expected, "{bad}");
        assert_eq!(one.asked().len(), 1, "none is asked twice");
    }
}

#[tokio::test]
async fn results_of_a_question_take_no_more_memory_than_others() {
    let (one, other) = (Probe::new(true), Probe::new(true));
    let addr = serve([(&one, &["large", "a"]), (&other, &["c"])], DEFAULTS).await;
    let names = ["large", "large", "large", "a", "c", "c", "addition"];
    let answered = results(addr, &names).await;
    let reason = "the results of this multicall take more than 16 MiB of memory";
    let left_out =
        fault(-32400, &format!("the call was made, but its result is left out: {reason}"));
    let not_made = fault(-32400, &format!("the call was not made: {reason}"));
    let large = array(["x".repeat(6 * 1024 * 1024)]);
    assert!(answered[0] == large && answered[1] == large);
    assert_eq!(answered[2..4], [left_out.clone(), left_out]);
    assert_eq!(answered[4..], [not_made.clone(), not_made.clone(), not_made]);
    assert_eq!(one.asked().len(), 1);
    assert_eq!(other.asked(), [[""; 0]; 0]);
}

#[tokio::test]
async fn cap_on_entries_stands_for_questions_too() {
    let probe = Probe::new(true);
    let addr = serve([(&probe, &["a"])], |limits| limits.max_multicall_entries = 100).await;
    assert_eq!(results(addr, &["a"; 100]).await, vec![echo("a"); 100]);
    assert_eq!(probe.asked().iter().map(Vec::len).collect::<Vec<_>>(), [100]);
    let refused = multicall(addr, &vec![entry("a", ""); 101]).await;
    assert_eq!(refused.unwrap_err().0, code::INVALID_PARAMS);
    assert_eq!(probe.asked(), [[""; 0]; 0]);
}

/// Answers one question after the other, as it has no way to answer them together.
struct Plain;

impl Handler for Plain {
    fn call(
        &self,
        name: &str,
        _params: Vec<Value>,
        caller: &Caller,
    ) -> Awaited<Result<Value, Fault>> {
        let (name, caller) = (name.to_owned(), caller.clone());
        Box::pin(async move {
            tokio::task::yield_now().await;
            if name == "b" {
                Err(Fault::new(3, caller.door().to_string()))
            } else {
                Ok(name.into())
            }
        })
    }

    fn asks_together(&self) -> bool {
        true
    }
}

/// Answers in many bytes, and counts how often.
#[derive(Default)]
struct Large(Arc<AtomicUsize>);

impl Handler for Large {
    fn call(&self, _: &str, _: Vec<Value>, _: &Caller) -> Awaited<Result<Value, Fault>> {
        let answered = self.0.clone();
        Box::pin(async move {
            answered.fetch_add(1, Ordering::Relaxed);
            Ok("x".repeat(6 * 1024 * 1024).into())
        })
    }

    fn asks_together(&self) -> bool {
        true
    }
}

#[tokio::test]
async fn results_that_arrive_one_by_one_are_no_more_than_may_be_kept() {
    let (catalog, handler) = (Catalog::new(), Arc::new(Large::default()));
    catalog.publish(vec![CatalogMethod::new("a", "", handler.clone())], vec![]).unwrap();
    let mut registry = arithmetic();
    registry.add_catalog(&catalog);
    let results = results(start(registry, DEFAULTS).await, &["a"; 1_000]).await;
    let told = |result: &Value| {
        let fault = result.as_struct().and_then(|fault| fault.get("faultString"));
        fault.and_then(Value::as_str).map(|told| told.split(':').next().unwrap().to_owned())
    };
    let told: Vec<_> = results.iter().map(told).collect();
    let left_out = "the call was made, but its result is left out".to_owned();
    assert_eq!(told[..3], [None, None, Some(left_out)]);
    assert!(told[3..].iter().all(|told| told.as_deref() == Some("the call was not made")));
    assert_eq!(handler.0.load(Ordering::Relaxed), 3);
}

#[tokio::test]
async fn handler_without_a_way_of_its_own_answers_one_by_one() {
    let (catalog, handler) = (Catalog::new(), Arc::new(Plain));
    let method = |name: &str| CatalogMethod::new(name, "", handler.clone());
    catalog.publish(["a", "b", "c"].map(method).to_vec(), vec![]).unwrap();
    let mut registry = arithmetic();
    registry.add_catalog(&catalog);
    let addr = start(registry, DEFAULTS).await;
    let answered = results(addr, &["a", "b", "c"]).await;
    assert_eq!(answered, [array(["a"]), fault(3, "xmlrpc"), array(["c"])]);
}
