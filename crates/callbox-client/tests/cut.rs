//! An answer is the same, into whatever writes it is cut.
#![allow(clippy::unwrap_used, clippy::panic)]

mod server;

use std::io::Write;

use callbox_client::transport::{Error, Response};
use proptest::prelude::*;
use server::{
    accept, ask, chunked, connected, gzip_endpoint, http, read_request, scgi, until_close,
};
use tokio::io::AsyncWriteExt;
use tokio::task::yield_now;

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// How an answer is framed, and over which scheme.
fn answers(body: &[u8], chunk: usize) -> Vec<(&'static str, Vec<u8>)> {
    let zipped = gzip(body);
    let coding = "Content-Encoding: gzip\r\n";
    vec![
        ("http", http("Content-Type: text/xml\r\n", body)),
        ("http", chunked("", body, chunk)),
        ("http", until_close("Connection: close\r\n", body)),
        ("http", chunked(coding, &zipped, chunk)),
        ("scgi", scgi("", body)),
        ("scgi", scgi(coding, &zipped)),
        ("scgi", [b"Content-Type: text/xml\n\n", body].concat()),
    ]
}

/// Asks a server that writes `answer` in `pieces` of at most so many bytes each, again and again.
async fn asked(scheme: &str, answer: Vec<u8>, pieces: Vec<usize>) -> Result<Response, Error> {
    let addr = accept(move |mut stream| {
        let (answer, pieces) = (answer.clone(), pieces.clone());
        async move {
            stream.set_nodelay(true).unwrap();
            read_request(&mut stream).await.unwrap();
            let (mut rest, mut pieces) = (&answer[..], pieces.iter().cycle());
            while !rest.is_empty() {
                let (piece, others) = rest.split_at(rest.len().min(*pieces.next().unwrap()));
                // Who was answered whole may be gone.
                if stream.write_all(piece).await.is_err() {
                    return;
                }
                yield_now().await;
                rest = others;
            }
        }
    });
    ask(&mut connected(&gzip_endpoint(&format!("{scheme}://{}", addr.await))).await).await
}

fn check(body: &[u8], chunk: usize, pieces: &[usize]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (scheme, answer) in answers(body, chunk) {
            let response = asked(scheme, answer, pieces.to_vec()).await.unwrap();
            assert!(response.body == body, "{scheme} {pieces:?}");
        }
    });
}

#[test]
fn answer_in_two_writes_is_the_same_wherever_it_is_cut() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (scheme, answer) in answers(b"<methodResponse/>", 5) {
            for cut in 1..answer.len() {
                let pieces = vec![cut, answer.len()];
                let response = asked(scheme, answer.clone(), pieces).await.unwrap();
                assert_eq!(response.body, "<methodResponse/>", "{scheme} {cut}");
            }
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn answer_in_many_writes_is_the_same(
        body in prop::collection::vec(any::<u8>(), 0..5_000),
        chunk in 1_usize..2_000,
        pieces in prop::collection::vec(1_usize..1_000, 1..10),
    ) {
        check(&body, chunk, &pieces);
    }
}
