//! A client that others wrote calls by JSON-RPC: jsonrpsee's, by HTTP. Here, since only the benchmarks
//! pay for it.

use callbox::{Registry, Server};
use jsonrpsee_core::ClientError;
use jsonrpsee_core::client::ClientT;
use jsonrpsee_core::params::{ArrayParams, BatchRequestBuilder, ObjectParams};
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use tokio::net::TcpListener;
use tokio::sync::oneshot;

/// A server with two methods, for as long as the test runs.
async fn with_client(test: impl AsyncFnOnce(HttpClient)) {
    let mut registry = Registry::new();
    registry.add("addition", "", |a: i64, b: i64| a + b).names(["a", "b"]);
    registry.add("subtraction", "", |a: i64, b: i64| a - b);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/jsonrpc", listener.local_addr().unwrap());
    let (stop, stopped) = oneshot::channel::<()>();
    let server = Server::new(registry).listener(listener).run(async { drop(stopped.await) });
    let server = tokio::spawn(server);
    test(HttpClientBuilder::default().build(url).unwrap()).await;
    drop(stop);
    server.await.unwrap().unwrap();
}

fn pair(a: i64, b: i64) -> ArrayParams {
    let mut params = ArrayParams::new();
    params.insert(a).unwrap();
    params.insert(b).unwrap();
    params
}

#[tokio::test]
async fn calls_by_position_and_by_name() {
    with_client(async |client| {
        let sum: i64 = client.request("addition", pair(2, 3)).await.unwrap();
        assert_eq!(sum, 5);
        let mut named = ObjectParams::new();
        named.insert("b", 3).unwrap();
        named.insert("a", 4).unwrap();
        let sum: i64 = client.request("addition", named).await.unwrap();
        assert_eq!(sum, 7);
        let names: Vec<String> =
            client.request("system.listMethods", ArrayParams::new()).await.unwrap();
        assert!(names.iter().any(|name| name == "subtraction"), "{names:?}");
    })
    .await;
}

#[tokio::test]
async fn faults_are_its_errors() {
    with_client(async |client| {
        let answer: Result<i64, ClientError> = client.request("nothing", ArrayParams::new()).await;
        let Err(ClientError::Call(error)) = answer else { panic!("{answer:?}") };
        assert_eq!((error.code(), error.message()), (-32601, "Method not found"));
    })
    .await;
}

#[tokio::test]
async fn batch_is_answered_entry_by_entry() {
    with_client(async |client| {
        let mut batch = BatchRequestBuilder::new();
        batch.insert("addition", pair(2, 3)).unwrap();
        batch.insert("nothing", ArrayParams::new()).unwrap();
        batch.insert("subtraction", pair(2, 3)).unwrap();
        let answers = client.batch_request::<i64>(batch).await.unwrap();
        let answers: Vec<Result<i64, i32>> =
            answers.into_iter().map(|answer| answer.map_err(|error| error.code())).collect();
        assert_eq!(answers, [Ok(5), Err(-32601), Ok(-1)]);
    })
    .await;
}

#[tokio::test]
async fn notification_is_made() {
    with_client(async |client| client.notification("addition", pair(2, 3)).await.unwrap()).await;
}
