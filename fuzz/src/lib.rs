//! What the fuzzers try: that no bytes make a parser panic, and that what it accepts round-trips.
//! Each function is run by libFuzzer (`cargo fuzz run document`) and, where that is not at hand,
//! by a seeded property test (`cargo test`).

use protocol::command::framing::{Action, Framing};
use protocol::command::{Command, MAX_COMMAND_BYTES, Vocabulary};
use protocol::json::{self, Id, Message, Params, Request, decode_message, decode_params};
use protocol::xmlrpc::{
    Dialect, Limits, MethodResponse, TypeName, Value, decode_call, decode_call_by_tree,
    decode_response, decode_response_by_tree, encode_call, encode_fault, encode_response_in,
};

const LIMITS: Limits = Limits::DEFAULT;
const MAX_BATCH: usize = 100;

/// Reads a document as a call and as a response.
pub fn document(data: &[u8]) {
    call(data, None);
    response(data, None);
}

/// Reads a document with a charset that the transport names; the first byte chooses it.
pub fn prolog(data: &[u8]) {
    const CHARSETS: [&str; 12] = [
        "",
        "utf-8",
        "utf-16",
        "UTF-16LE",
        "utf-16be",
        "us-ascii",
        "iso-8859-1",
        "ISO-8859-15",
        "windows-1251",
        "Shift_JIS",
        "iso-2022-jp",
        "klingon",
    ];
    if let Some((choice, document)) = data.split_first() {
        let charset = CHARSETS.get(usize::from(*choice) % (CHARSETS.len() + 1)).copied();
        call(document, charset);
        response(document, charset);
    }
}

/// However a call is read, the tree reads the same: value or fault.
fn call(data: &[u8], charset: Option<&str>) {
    let call = decode_call(data, charset, &LIMITS);
    assert_eq!(call, decode_call_by_tree(data, charset, &LIMITS));
    if let Ok(call) = call {
        let written = encode_call(&call).expect("what was read can be written");
        assert_eq!(decode_call(&written, None, &LIMITS), Ok(call));
    }
}

/// However a response is read, the tree reads the same: result, fault or refusal.
fn response(data: &[u8], charset: Option<&str>) {
    let response = decode_response(data, charset, &LIMITS);
    assert_eq!(response, decode_response_by_tree(data, charset, &LIMITS));
    match response {
        Ok(MethodResponse::Success(value)) => {
            for dialect in [Dialect::Standard, Dialect::Apache] {
                let written =
                    encode_response_in(dialect, &value).expect("what was read can be written");
                let back = decode_response(&written, None, &LIMITS);
                assert_eq!(back.as_ref(), Ok(&MethodResponse::Success(value.clone())));
            }
        }
        Ok(MethodResponse::Fault(fault)) => {
            let back = decode_response(&encode_fault(&fault), None, &LIMITS);
            assert_eq!(back, Ok(MethodResponse::Fault(fault)));
        }
        Err(_) => {}
    }
}

/// Reads a document as a message and as the parameters of a call.
pub fn json(data: &[u8]) {
    if let Ok(params) = decode_params(data, &LIMITS) {
        assert_eq!(decode_params(params_text(&params).as_bytes(), &LIMITS), Ok(params));
    }
    let requests = match decode_message(data, &LIMITS, MAX_BATCH) {
        Ok(Message::Single(request)) => vec![request],
        Ok(Message::Batch(requests)) => requests,
        Err(_) => return,
    };
    for request in requests.into_iter().flatten() {
        let read = decode_message(request_text(&request).as_bytes(), &LIMITS, MAX_BATCH);
        assert_eq!(read, Ok(Message::Single(Ok(request))));
    }
}

fn request_text(request: &Request) -> String {
    let method = json_text(&request.method.as_str().into());
    let params = params_text(&request.params);
    let id = match &request.id {
        None => String::new(),
        Some(Id::Null) => ",\"id\":null".to_owned(),
        Some(Id::Number(number)) => format!(",\"id\":{number}"),
        Some(Id::String(text)) => format!(",\"id\":{}", json_text(&text.as_str().into())),
    };
    format!(r#"{{"jsonrpc":"2.0","method":{method},"params":{params}{id}}}"#)
}

fn params_text(params: &Params) -> String {
    match params {
        Params::Positional(values) => {
            let values: Vec<_> = values.iter().map(json_text).collect();
            format!("[{}]", values.join(","))
        }
        Params::Named(members) => {
            let member = |(name, value): &(String, Value)| {
                format!("{}:{}", json_text(&name.as_str().into()), json_text(value))
            };
            let members: Vec<_> = members.iter().map(member).collect();
            format!("{{{}}}", members.join(","))
        }
    }
}

fn json_text(value: &Value) -> String {
    let written = json::encode_result(value, TypeName::Any).expect("what was read can be written");
    String::from_utf8(written).expect("JSON is written in UTF-8")
}

/// Cuts a stream into commands, whole and in reads of a length that the first byte chooses: what is
/// said and done is the same, unless a read before the first line end stops right after a command.
pub fn framing(data: &[u8]) {
    let Some((length, stream)) = data.split_first() else { return };
    let length = usize::from(*length) % 16 + 1;
    let cuts_after_a_command = (length..stream.len())
        .step_by(length)
        .any(|cut| Vocabulary::builtin().parse(&stream[..cut]) != Command::Unknown);
    let whole = actions([stream]);
    let in_pieces = actions(stream.chunks(length));
    assert_eq!(whole.last(), Some(&Action::Close));
    assert_eq!(in_pieces.last(), Some(&Action::Close));
    if !cuts_after_a_command {
        assert_eq!(whole, in_pieces);
        with_a_pause(stream, length, &whole);
    }
}

/// A pause after a first CR is that of a session by CR: what is said is the same, unless an LF
/// follows.
fn with_a_pause(stream: &[u8], length: usize, whole: &[Action]) {
    let first = stream.iter().position(|byte| b"\r\n".contains(byte));
    let Some(after) = first.filter(|&at| stream[at] == b'\r').map(|at| at + 1) else { return };
    if stream.get(after) != Some(&b'\n') {
        let (before, rest) = stream.split_at(after);
        let paused = done(|framing, vocabulary, act| {
            framing.bytes(before, vocabulary, act);
            framing.grace_over(vocabulary, act);
            rest.chunks(length).for_each(|read| framing.bytes(read, vocabulary, act));
            framing.end(vocabulary, act);
        });
        assert_eq!(whole, paused);
    }
}

/// What is said and done to a peer that sends `reads` and ends its stream.
fn actions<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<Action> {
    done(|framing, vocabulary, act| {
        reads.into_iter().for_each(|read| framing.bytes(read, vocabulary, act));
        framing.end(vocabulary, act);
    })
}

/// What is said and done at these events, whenever it is armed.
fn done(events: impl FnOnce(&mut Framing, &Vocabulary, &mut dyn FnMut(Action))) -> Vec<Action> {
    let mut actions = Vec::new();
    let mut act = |action| {
        if action != Action::ArmGrace {
            actions.push(action);
        }
    };
    events(&mut Framing::new(MAX_COMMAND_BYTES), Vocabulary::builtin(), &mut act);
    actions
}
