//! The fuzz targets where libFuzzer is not at hand: on mutations of their corpora, always the same.

use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const CASES: u32 = 20_000;

/// Pieces of the languages that the targets read, to be put in anywhere.
const PIECES: [&str; 59] = [
    "<value>",
    "</value>",
    "<value/>",
    "<int>",
    "</int>",
    "<array><data>",
    "</data></array>",
    "<struct>",
    "</struct>",
    "<member><name>",
    "</name>",
    "</member>",
    "<params><param>",
    "</param></params>",
    "<fault>",
    "</fault>",
    "<nil/>",
    "<ex:nil/>",
    "xmlns:ex='u'",
    "<!--",
    "-->",
    "<![CDATA[",
    "]]>",
    "<?xml version='1.0' encoding='utf-16'?>",
    "<!DOCTYPE a>",
    "&#13;",
    "&amp;",
    "&#xD800;",
    "hello",
    "goodbye",
    "\r\n",
    "\n",
    "\r",
    "\r\0",
    "\u{feff}",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "\"",
    "\\",
    "\\ud83d",
    "\\ude00",
    "\"id\":",
    "\"params\":",
    "\"jsonrpc\":\"2.0\",",
    "\"method\":\"a\",",
    "{\"$dateTime\":\"",
    "{\"$base64\":\"",
    "null",
    "true",
    "-0",
    "1.5",
    "e400",
    "18446744073709551616",
    "-9223372036854775809",
    "0.1e-5",
];

#[derive(Debug, Clone)]
enum Mutation {
    Put(Index, Vec<u8>),
    Cut(Index, Index),
    Repeat(Index, Index),
}

impl Mutation {
    fn apply(&self, data: &mut Vec<u8>) {
        let range = |a: &Index, b: &Index| {
            let (a, b) = (a.index(data.len() + 1), b.index(data.len() + 1));
            a.min(b)..a.max(b)
        };
        match self {
            Self::Put(at, bytes) => {
                let at = at.index(data.len() + 1);
                data.splice(at..at, bytes.iter().copied());
            }
            Self::Cut(a, b) => drop(data.drain(range(a, b))),
            Self::Repeat(a, b) => {
                let range = range(a, b);
                let (end, again) = (range.end, data[range].to_vec());
                data.splice(end..end, again);
            }
        }
    }
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let piece = select(PIECES.to_vec()).prop_map(|piece| piece.as_bytes().to_vec());
    let bytes = prop_oneof![piece, vec(any::<u8>(), 1..4)];
    prop_oneof![
        3 => (any::<Index>(), bytes).prop_map(|(at, bytes)| Mutation::Put(at, bytes)),
        2 => any::<(Index, Index)>().prop_map(|(a, b)| Mutation::Cut(a, b)),
        1 => any::<(Index, Index)>().prop_map(|(a, b)| Mutation::Repeat(a, b)),
    ]
}

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut files: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files.iter().map(|file| std::fs::read(file).unwrap()).collect()
}

fn run(name: &str, target: fn(&[u8])) {
    let corpus = corpus(name);
    for seed in &corpus {
        target(seed);
    }
    let config = Config { cases: CASES, failure_persistence: None, ..Config::default() };
    let mut runner =
        TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    let mutated = (select(corpus), vec(mutation(), 0..6)).prop_map(|(mut data, mutations)| {
        mutations.iter().for_each(|mutation| mutation.apply(&mut data));
        data
    });
    runner.run(&mutated, |data| Ok(target(&data))).unwrap();
}

#[test]
fn documents_are_read_or_refused() {
    run("document", callbox_fuzz::document);
}

#[test]
fn charsets_are_read_or_refused() {
    run("prolog", callbox_fuzz::prolog);
}

#[test]
fn json_is_read_or_refused() {
    run("json", callbox_fuzz::json);
}

#[test]
fn commands_do_not_depend_on_how_the_stream_is_cut() {
    run("framing", callbox_fuzz::framing);
}
