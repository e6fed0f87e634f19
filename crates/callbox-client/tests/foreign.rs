//! Python's own server, asked by HTTP and through a Unix socket.
#![allow(clippy::unwrap_used, clippy::panic)]

mod python;
mod server;

use callbox_client::transport::{Connection, Error, Limits, Request, post};
use python::{Python, call};
use server::{MAX_BYTES, connect, connected, endpoint, gzip_endpoint};

const SERVER: &str = "python_server.py";

/// Asks for a sum.
async fn sum(connection: &mut Connection, a: i32, b: i32) -> Result<String, Error> {
    let response = connection.post(Request::new(call("addition", &[a, b])), MAX_BYTES).await?;
    Ok(String::from_utf8(response.body.to_vec()).unwrap())
}

#[tokio::test]
async fn pythons_server_is_asked_again_and_again_on_one_connection() {
    let Some(python) = Python::start(SERVER, &[]) else { return };
    let mut connection = connect(&format!("http://localhost:{}", python.port)).await;
    for n in 0..100 {
        let answer = sum(&mut connection, n, 1).await.unwrap();
        assert!(answer.contains(&format!("<int>{}</int>", n + 1)), "{answer}");
        assert!(connection.is_quiet());
    }
}

#[tokio::test]
async fn pythons_server_compresses_where_it_is_asked_to() {
    let Some(python) = Python::start(SERVER, &[]) else { return };
    let url = format!("http://localhost:{}", python.port);
    for endpoint in [endpoint(&url), gzip_endpoint(&url)] {
        let mut connection = connected(&endpoint).await;
        let request = || Request::new(call("text", &[500_000]));
        let response = connection.post(request(), MAX_BYTES).await.unwrap();
        assert!(response.body.len() > 500_000);
        assert!(connection.post(request(), 400_000).await.is_err());
        assert!(!connection.is_kept());
    }
}

#[tokio::test]
async fn pythons_server_is_asked_through_a_unix_socket() {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join(format!("python-{}.sock", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let Some(_python) = Python::start(SERVER, &["--unix", path.to_str().unwrap()]) else { return };
    let mut connection = connect(&format!("http+unix://{}", path.display())).await;
    assert!(sum(&mut connection, 2, 3).await.unwrap().contains("<int>5</int>"));
    assert!(sum(&mut connection, 4, 5).await.unwrap().contains("<int>9</int>"));
    std::fs::remove_file(&path).unwrap();
}

#[tokio::test]
async fn pythons_server_has_one_path() {
    let Some(python) = Python::start(SERVER, &[]) else { return };
    let elsewhere = endpoint(&format!("http://localhost:{}/elsewhere", python.port));
    match post(&elsewhere, Request::new(call("addition", &[1, 2])), &Limits::default()).await {
        Err(Error::Status(404)) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn server_that_was_stopped_is_dead_at_the_next_exchange() {
    let Some(mut python) = Python::start(SERVER, &[]) else { return };
    let mut connection = connect(&format!("http://localhost:{}", python.port)).await;
    sum(&mut connection, 1, 2).await.unwrap();
    python.stop();
    assert!(!connection.is_quiet());
    assert!(matches!(sum(&mut connection, 1, 2).await, Err(Error::Dead { is_sent: false })));
}
