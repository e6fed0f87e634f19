//! Several calls as one, at servers of each manner.
#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use callbox_client::{Array, Call, Client, ErrorKind, Fault, Struct, Value};
use protocol::xmlrpc::{encode_fault, encode_response};
use server::{Server, Then, http};

fn array(values: impl IntoIterator<Item = Value>) -> Value {
    Value::Array(Array::try_from(values.into_iter().collect::<Vec<_>>()).unwrap())
}

fn one(value: impl Into<Value>) -> Value {
    array([value.into()])
}

fn fault(code: i32) -> Value {
    Struct::from(Fault::new(code, "no")).into()
}

fn answer(value: Value) -> Vec<u8> {
    http("", &encode_response(&value).unwrap())
}

fn refusal(code: i32) -> Vec<u8> {
    http("", &encode_fault(&Fault::new(code, "no such method")))
}

fn calls(number: i32) -> Vec<Call> {
    (0..number).map(|n| Call::new("twice", (n,))).collect()
}

/// A server with these answers, in turn, which does `then`, and a client of it.
async fn start(answers: &[Vec<u8>], then: Then) -> (Server, Client) {
    let answers: Vec<&[u8]> = answers.iter().map(Vec::as_slice).collect();
    let server = Server::start(&answers, then).await;
    let client = Client::new(&server.url()).unwrap();
    (server, client)
}

/// Each result in a word or two.
fn told(results: Vec<Result<Value, callbox_client::Error>>) -> Vec<String> {
    let told = |result: Result<Value, callbox_client::Error>| match result {
        Ok(Value::Int(number)) => number.to_string(),
        Ok(other) => other.type_name().to_owned(),
        Err(error) => match error.into_kind() {
            ErrorKind::Fault(fault) => format!("fault {}", fault.code),
            other => other.to_string(),
        },
    };
    results.into_iter().map(told).collect()
}

#[tokio::test]
async fn each_entry_has_its_own_result() {
    let answers = array([one(0), fault(4), one("x"), fault(-32601)]);
    let help = answer(array([one("Makes several calls.")]));
    let (server, client) = start(&[answer(answers), help], Then::Stay).await;
    let results = client.multicall::<i64>(calls(4)).await.unwrap();
    let kinds: Vec<_> =
        results.iter().map(|result| result.as_ref().map_err(|e| e.kind())).collect();
    assert!(matches!(
        kinds[..],
        [Ok(0), Err(ErrorKind::Fault(_)), Err(ErrorKind::Result(_)), Err(ErrorKind::Fault(_))]
    ));
    assert!(results[1].as_ref().unwrap_err().to_string().starts_with("twice at http://"));
    assert!(server.heard()[0].contains("<methodName>system.multicall</methodName>"));
}

#[tokio::test]
async fn what_cannot_be_written_is_told_in_its_place_and_not_sent() {
    let (server, client) = start(&[answer(array([one(1), 2.into()]))], Then::Stay).await;
    let calls = [
        Call::new("a", (1,)),
        Call::new("b", ("\0",)),
        Call::new("c", (u64::MAX,)),
        Call::new("d", ()),
    ];
    let results = told(client.multicall(calls).await.unwrap());
    assert!(results[1].contains("cannot be written") && results[2].contains("params[0]"));
    assert_eq!((&*results[0], &*results[3]), ("array", "2"));
    assert!(!server.heard()[0].contains("<string>b</string>"));
}

#[tokio::test]
async fn nothing_is_asked_for_no_calls() {
    let (server, client) = start(&[], Then::Stay).await;
    assert_eq!(client.multicall::<Value>([]).await.unwrap().len(), 0);
    let results = client.multicall::<Value>([Call::new("b", ("\0",))]).await.unwrap();
    assert!(results[0].is_err());
    assert_eq!(server.heard().len(), 0);
}

#[tokio::test]
async fn results_that_stand_as_they_are_are_told_from_those_in_arrays() {
    let bare = answer(array([7.into(), one(1), fault(4)]));
    let (_server, client) =
        start(&[bare.clone(), answer(array([one(1), one(2)]))], Then::Stay).await;
    assert_eq!(told(client.multicall(calls(3)).await.unwrap()), ["7", "array", "fault 4"]);
    // What could be either is what it was before.
    assert_eq!(told(client.multicall(calls(2)).await.unwrap()), ["array", "array"]);
}

#[tokio::test]
async fn server_is_asked_once_where_its_manner_cannot_be_seen() {
    let either = || answer(array([one(1), one(2)]));
    for (asked, expected) in [
        (answer(array([one("text")])), ["1", "2"]),
        (answer(array(["text".into()])), ["array", "array"]),
        (answer(array([fault(1)])), ["1", "2"]),
        (refusal(1), ["1", "2"]),
    ] {
        let (server, client) = start(&[either(), asked, either()], Then::Stay).await;
        for _ in 0..2 {
            assert_eq!(told(client.multicall(calls(2)).await.unwrap()), expected);
        }
        let heard = server.heard();
        assert!(heard[1].contains("system.methodHelp") && heard.len() == 3, "{heard:?}");
    }
}

/// Nothing, and then the connection is closed.
fn silence() -> Vec<u8> {
    Vec::new()
}

#[tokio::test]
async fn results_are_kept_where_the_servers_manner_cannot_be_asked() {
    let either = answer(array([one(1), one(2)]));
    let (server, client) = start(&[either, silence()], Then::Close).await;
    for _ in 0..2 {
        assert_eq!(told(client.multicall(calls(2)).await.unwrap()), ["1", "2"]);
    }
    let heard = server.heard();
    assert!(heard[3].contains("system.methodHelp") && heard.len() == 4, "{heard:?}");
}

#[tokio::test]
async fn server_without_multicall_is_called_one_by_one() {
    let names = answer(array(["twice".into()]));
    let single = || [answer(10.into()), refusal(4), answer(12.into())];
    for before in [
        vec![refusal(-32601), refusal(-32601)],
        vec![refusal(1), refusal(-32601)],
        vec![refusal(1), refusal(1), names.clone()],
        vec![refusal(1), refusal(2), names],
        vec![refusal(1), refusal(1), refusal(1)],
        vec![refusal(-99), refusal(-99), answer("none".into())],
    ] {
        let answers = [before.clone(), single().to_vec(), single().to_vec()].concat();
        let (server, client) = start(&answers, Then::Stay).await;
        for _ in 0..2 {
            assert_eq!(told(client.multicall(calls(3)).await.unwrap()), ["10", "fault 4", "12"]);
        }
        assert_eq!(server.heard().len(), before.len() + 6);
    }
}

#[tokio::test]
async fn fault_for_all_is_an_error_where_they_may_have_run() {
    let names = answer(array(["system.multicall".into()]));
    let afters = [
        // No calls it answers as a server that has it does: Python's, where a result has no form.
        vec![answer(array([]))],
        vec![answer("none".into())],
        vec![refusal(-32602), names],
        // It has no list, and says something else to no calls than to these.
        vec![refusal(2), refusal(2)],
        vec![silence()],
        vec![refusal(-32602), silence()],
    ];
    // What no server has may be a method that one of the calls is for.
    for (code, after) in
        [1, -32601].into_iter().flat_map(|code| afters.iter().map(move |after| (code, after)))
    {
        let answers = [&[refusal(code)], &after[..]].concat();
        let (server, client) = start(&answers, Then::Close).await;
        let error = client.multicall::<Value>(calls(2)).await.unwrap_err();
        assert_eq!(error.as_fault().map(|fault| fault.code), Some(code), "{error}");
        let heard = server.heard();
        assert_eq!((error.method(), heard.len()), ("system.multicall", answers.len()));
        assert!(heard[1].contains("system.multicall") && !heard[1].contains("twice"), "{heard:?}");
    }
}

#[tokio::test]
async fn miscounted_results_are_none() {
    for odd in [array([one(1)]), array([one(1), one(2), one(3)]), 1.into()] {
        let (_server, client) = start(&[answer(odd)], Then::Stay).await;
        let error = client.multicall::<Value>(calls(2)).await.unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::Result(_)), "{error}");
    }
}
