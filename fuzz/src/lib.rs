//! What the fuzzers try: that no bytes make a parser panic, and that what it accepts round-trips.
//! Each function is run by libFuzzer (`cargo fuzz run document`) and, where that is not at hand,
//! by a seeded property test (`cargo test`).

use protocol::command::framing::{Action, Framing};
use protocol::command::{Command, MAX_COMMAND_BYTES};
use protocol::xmlrpc::{
    Dialect, Limits, MethodResponse, decode_call, decode_call_by_tree, decode_response,
    encode_call, encode_fault, encode_response_in,
};

const LIMITS: Limits = Limits::DEFAULT;

/// Reads a document as a call and as a response.
pub fn document(data: &[u8]) {
    call(data, None);
    match decode_response(data, None, &LIMITS) {
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
        call(document, CHARSETS.get(usize::from(*choice) % (CHARSETS.len() + 1)).copied());
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

/// Cuts a stream into commands, whole and in reads of a length that the first byte chooses: the
/// actions are the same, unless a read before the first line end stops right after a command.
pub fn framing(data: &[u8]) {
    let Some((length, stream)) = data.split_first() else { return };
    let length = usize::from(*length) % 16 + 1;
    let cuts_after_a_command = (length..stream.len())
        .step_by(length)
        .any(|cut| Command::parse(&stream[..cut]) != Command::Unknown);
    let whole = actions([stream]);
    let in_pieces = actions(stream.chunks(length));
    assert_eq!(whole.last(), Some(&Action::Close));
    assert_eq!(in_pieces.last(), Some(&Action::Close));
    if !cuts_after_a_command {
        assert_eq!(whole, in_pieces);
    }
}

/// What is said and done to a peer that sends `reads` and ends its stream, whenever it is armed.
fn actions<'a>(reads: impl IntoIterator<Item = &'a [u8]>) -> Vec<Action> {
    let mut framing = Framing::new(MAX_COMMAND_BYTES);
    let mut actions = Vec::new();
    let mut act = |action| {
        if action != Action::ArmGrace {
            actions.push(action);
        }
    };
    for read in reads {
        framing.bytes(read, &mut act);
    }
    framing.end(&mut act);
    actions
}
