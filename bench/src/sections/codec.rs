//! Reading and writing documents, in this process and on one thread.

use std::hint::black_box;

use dxr::{MethodCall as DxrCall, MethodResponse as DxrResponse};
use protocol::json;
use protocol::xmlrpc::{
    Limits, MethodResponse, TypeName, Value, decode_call, decode_response, encode_call,
    encode_response,
};
use roxmltree::Document;

use crate::contest::{Contest, Work};
use crate::documents;
use crate::goal::Goal;
use crate::options::Options;

const MEGABYTE: usize = 1_000_000;

/// Just under glibc's own bound for what it keeps.
const LARGEST_KEPT_PIECE: usize = 31 << 20;

/// More megabytes than caches have.
const COLD_TEXTS: usize = 64;

pub fn run(options: &Options) -> String {
    settle_allocator();
    let structs = documents::structs(1_000);
    let mut page = "## Codec\n".to_owned();
    for contest in [
        decode_array(&structs),
        decode_array_response(&structs),
        decode_small(),
        encode_array(&structs),
        encode_small(),
        encode_plain_text(),
        encode_cold_text(),
        encode_marked_text(),
        decode_json_array(&structs),
        encode_json_array(&structs),
    ] {
        eprintln!("codec: {}", contest.title);
        let title = contest.title;
        page += &format!("\n### {title}\n\n{}", contest.run(options));
    }
    page
}

/// glibc gives large pieces back to the system at once, and takes new ones page by page, until it
/// has seen as large a piece freed. All codecs are measured after that, as in a process that has
/// run for a while; else the figures would tell which section ran before.
fn settle_allocator() {
    drop(black_box(vec![0_u8; LARGEST_KEPT_PIECE]));
}

fn decode_array(structs: &Value) -> Contest {
    let mut works = decoders(documents::echo(structs.clone()));
    works[1].goal = Some(Goal::AtLeast(2.0));
    works[2].goal = Some(Goal::AtLeast(6.0));
    works[3].goal = Some(Goal::AtLeast(2.5));
    Contest { title: "Decode a call with the array of 1,000 structs", works }
}

fn decode_small() -> Contest {
    let mut works = decoders(documents::addition());
    // Under half of its time is more than twice its speed.
    works[1].goal = Some(Goal::AtLeast(2.0));
    Contest { title: "Decode the call `addition(2, 3)`", works }
}

/// All of them read `document`; ours from bytes, the others from text known to be UTF-8.
fn decoders(document: Vec<u8>) -> Vec<Work> {
    let text = String::from_utf8(document.clone()).expect("written in UTF-8");
    let bytes = text.len();
    let (for_serde, for_dxr, for_tree) = (text.clone(), text.clone(), text);
    vec![
        Work::new("this project", bytes, move || {
            decode_call(black_box(&document), None, &Limits::DEFAULT).expect("a call")
        }),
        Work::new("serde_xmlrpc", bytes, move || {
            serde_xmlrpc::request_from_str(black_box(&for_serde)).expect("a call")
        }),
        Work::new("dxr", bytes, move || {
            let call = DxrCall::from_xml(black_box(&for_dxr)).expect("a call");
            (call.name.into_owned(), call.params)
        }),
        Work::new("roxmltree, the tree alone", bytes, move || {
            Document::parse(black_box(&for_tree)).expect("XML").root().has_children()
        }),
    ]
}

fn decode_array_response(structs: &Value) -> Contest {
    let document = documents::response(structs);
    let text = String::from_utf8(document.clone()).expect("written in UTF-8");
    let bytes = text.len();
    let (for_serde, for_dxr) = (text.clone(), text);
    let works = vec![
        Work::new("this project", bytes, move || {
            match decode_response(black_box(&document), None, &Limits::DEFAULT) {
                Ok(MethodResponse::Success(value)) => value,
                other => panic!("{other:?}"),
            }
        }),
        Work::new("serde_xmlrpc", bytes, move || {
            let value = serde_xmlrpc::response_from_str::<serde_xmlrpc::Value>;
            value(black_box(&for_serde)).expect("a response")
        })
        .with_goal(Goal::AtLeast(2.0)),
        Work::new("dxr", bytes, move || {
            DxrResponse::from_xml(black_box(&for_dxr)).expect("a response").value
        }),
    ];
    Contest { title: "Decode a response with the same array, as a client does", works }
}

fn encode_array(structs: &Value) -> Contest {
    let document = documents::response(structs);
    let text = String::from_utf8(document).expect("written in UTF-8");
    let bytes = text.len();
    let for_dxr = DxrResponse::from_xml(&text).expect("a response");
    let for_serde = serde_xmlrpc::response_from_str::<serde_xmlrpc::Value>(&text);
    let (ours, for_serde) = (structs.clone(), for_serde.expect("a response"));
    let works = vec![
        Work::new("this project", bytes, move || {
            encode_response(black_box(&ours)).expect("writable")
        }),
        // It takes the value away, so each turn is given one that was cloned before the clock ran.
        Work::prepared("serde_xmlrpc", bytes, move || {
            let value = for_serde.clone();
            move || serde_xmlrpc::response_to_string([value].into_iter()).expect("writable")
        }),
        Work::new("dxr", bytes, move || black_box(&for_dxr).to_xml().expect("writable"))
            .with_goal(Goal::AtLeast(15.0)),
    ];
    Contest { title: "Encode a response with the array of 1,000 structs", works }
}

fn encode_small() -> Contest {
    let bytes = documents::addition().len();
    let ours = documents::addition_call();
    let for_dxr = DxrCall {
        name: "addition".into(),
        params: vec![dxr::Value::Integer(2), dxr::Value::Integer(3)],
    };
    let works = vec![
        Work::new("this project", bytes, move || encode_call(black_box(&ours)).expect("writable")),
        Work::new("serde_xmlrpc", bytes, || {
            let params = black_box([2, 3]).map(serde_xmlrpc::Value::Int).to_vec();
            serde_xmlrpc::request_to_string("addition", params).expect("writable")
        }),
        Work::new("dxr", bytes, move || black_box(&for_dxr).to_xml().expect("writable"))
            .with_goal(Goal::AtLeast(15.0)),
    ];
    Contest { title: "Encode the call `addition(2, 3)`", works }
}

fn encode_plain_text() -> Contest {
    let mut works = text_encoders(documents::plain_text(MEGABYTE));
    works[1].goal = Some(Goal::AtLeast(0.5));
    Contest { title: "Encode 1 MB of plain text", works }
}

/// The same where neither text nor result is in a cache yet, as after a look into a database.
fn encode_cold_text() -> Contest {
    let texts: Vec<String> = (0..COLD_TEXTS).map(|_| documents::plain_text(MEGABYTE)).collect();
    let values: Vec<Value> = texts.iter().cloned().map(Value::String).collect();
    let (mut next, mut next_copied) = (0, 0);
    let mut written = vec![Vec::new(); COLD_TEXTS];
    let mut copied = vec![Vec::new(); COLD_TEXTS];
    let works = vec![
        Work::new("this project", MEGABYTE, move || {
            next = (next + 1) % COLD_TEXTS;
            written[next] = encode_response(black_box(&values[next])).expect("writable");
        }),
        Work::new("memcpy into new memory", MEGABYTE, move || {
            next_copied = (next_copied + 1) % COLD_TEXTS;
            copied[next_copied] = black_box(&texts[next_copied]).as_bytes().to_vec();
        }),
    ];
    Contest { title: "Encode 1 MB of plain text, each time another one of 64", works }
}

fn encode_marked_text() -> Contest {
    let works = text_encoders(documents::marked_text(MEGABYTE));
    Contest { title: "Encode 1 MB of text, a character in twenty escaped", works }
}

fn text_encoders(text: String) -> Vec<Work> {
    let bytes = text.len();
    let (fresh, kept, value) = (text.clone(), text.clone(), Value::String(text));
    let mut buffer = vec![0; bytes];
    vec![
        Work::new("this project", bytes, move || {
            encode_response(black_box(&value)).expect("writable")
        }),
        Work::new("memcpy into new memory", bytes, move || black_box(&fresh).as_bytes().to_vec()),
        Work::new("memcpy into memory in use", bytes, move || {
            buffer.copy_from_slice(black_box(&kept).as_bytes());
            black_box(&buffer).len()
        }),
    ]
}

fn decode_json_array(structs: &Value) -> Contest {
    let document = documents::json_echo(structs);
    let (bytes, for_values) = (document.len(), document.clone());
    let works = vec![
        Work::new("this project", bytes, move || {
            json::decode_message(black_box(&document), &Limits::DEFAULT, 1).expect("a call")
        }),
        Work::new("serde_json, its own values", bytes, move || {
            let value = serde_json::from_slice::<serde_json::Value>;
            value(black_box(&for_values)).expect("JSON")
        })
        .with_goal(Goal::AtLeast(0.8)),
    ];
    Contest { title: "Decode a JSON-RPC call with the array of 1,000 structs", works }
}

fn encode_json_array(structs: &Value) -> Contest {
    let document = documents::json(structs);
    let theirs: serde_json::Value = serde_json::from_slice(&document).expect("JSON");
    let (bytes, ours) = (document.len(), structs.clone());
    let works = vec![
        Work::new("this project", bytes, move || {
            json::encode_result(black_box(&ours), TypeName::Any).expect("writable")
        }),
        Work::new("serde_json, its own values", bytes, move || {
            serde_json::to_vec(black_box(&theirs)).expect("writable")
        })
        .with_goal(Goal::AtLeast(0.8)),
    ];
    Contest { title: "Encode the same array as JSON", works }
}
