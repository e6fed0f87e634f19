//! However a message is read, the tree reads the same: value or refusal, and its place.

#![allow(clippy::unwrap_used)]

mod values;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use protocol::xmlrpc::{
    Fault, Limits, MethodCall, decode_call, decode_call_by_tree, decode_plain_call,
    decode_plain_response, decode_response, decode_response_by_tree, encode_call, encode_fault,
    encode_response,
};

/// What other writers write, as pairs of what is written here and what stands for it there.
const SPELLINGS: [(&str, &str); 17] = [
    ("<int>", "<i4>"),
    ("</int>", "</i4>"),
    ("<string></string>", ""),
    ("<string></string>", "<string/>"),
    ("<data></data>", "<data/>"),
    ("<value><string></string></value>", "<value/>"),
    ("<struct></struct>", "<struct/>"),
    ("<nil/>", "<nil></nil>"),
    ("<nil/>", "<ex:nil/>"),
    ("<methodCall>", "<methodCall xmlns:ex='http://ws.apache.org/xmlrpc/namespaces/extensions'>"),
    (
        "<methodResponse>",
        "<methodResponse xmlns:ex='http://ws.apache.org/xmlrpc/namespaces/extensions'>",
    ),
    ("</fault>", "\n</fault>\n"),
    ("faultString", "faultText"),
    ("<name>faultCode</name><value><int>", "<name>faultCode</name><value><string>"),
    ("&gt;", ">"),
    ("<member>", "\n  <member>\n\t"),
    ("</data>", " <!-- end --> </data>"),
];

const PIECES: [&str; 26] = [
    "<value>",
    "</value>",
    "<value/>",
    "<int>",
    "</int>",
    "<string>",
    "</string>",
    "<array>",
    "<data>",
    "</data>",
    "</array>",
    "<nil/>",
    "<params><param>",
    "</param></params>",
    "<fault>",
    "</fault>",
    "</methodResponse>",
    " ",
    "&lt;",
    "&#65;",
    "]]>",
    "<!---->",
    "<?1?>",
    "<",
    ">",
    "\u{1}",
];

/// Calls, results and faults, as they are written here.
fn written() -> impl Strategy<Value = String> {
    let call = vec(values::value(), 0..4).prop_map(|params| MethodCall::new("m", params));
    let fault = (any::<i32>(), values::text()).prop_map(|(code, text)| Fault::new(code, text));
    let document = prop_oneof![
        call.prop_map(|call| encode_call(&call).unwrap()),
        values::value().prop_map(|result| encode_response(&result).unwrap()),
        fault.prop_map(|fault| encode_fault(&fault)),
    ];
    document.prop_map(|document| String::from_utf8(document).unwrap())
}

fn document() -> impl Strategy<Value = String> {
    (written(), vec(select(SPELLINGS.to_vec()), 0..4)).prop_map(|(document, spellings)| {
        spellings.iter().fold(document, |document, (ours, theirs)| document.replace(ours, theirs))
    })
}

/// As a call and as a response, whichever it is.
fn agree(document: &[u8]) -> Result<(), TestCaseError> {
    let limits = Limits::default();
    prop_assert_eq!(
        decode_call(document, None, &limits),
        decode_call_by_tree(document, None, &limits)
    );
    prop_assert_eq!(
        decode_response(document, None, &limits),
        decode_response_by_tree(document, None, &limits)
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_is_written_here_needs_no_tree_unless_it_has_carriage_returns(document in written()) {
        let (document, limits) = (document.replace("&#13;", ""), Limits::default());
        let is_call = decode_plain_call(document.as_bytes(), None, &limits).is_some();
        let is_response = decode_plain_response(document.as_bytes(), None, &limits).is_some();
        prop_assert!(is_call != is_response);
        agree(document.as_bytes())?;
    }

    #[test]
    fn on_documents_of_many_writers(document in document()) {
        agree(document.as_bytes())?;
    }

    #[test]
    fn on_damaged_documents(
        document in document(),
        damages in vec((any::<Index>(), 0..12_usize, select(PIECES.to_vec())), 1..4),
    ) {
        let mut document = document;
        for (at, cut, piece) in damages {
            let ends: Vec<usize> = document.char_indices().map(|(at, _)| at).chain([document.len()]).collect();
            let at = at.index(ends.len());
            let cut = (at + cut).min(ends.len() - 1);
            document.replace_range(ends[at]..ends[cut], piece);
        }
        agree(document.as_bytes())?;
    }
}
