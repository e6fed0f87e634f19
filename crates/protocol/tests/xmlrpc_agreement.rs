//! However a call is read, the tree reads the same: value or refusal, and its place.

#![allow(clippy::unwrap_used)]

mod values;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use protocol::xmlrpc::{Limits, MethodCall, decode_call, decode_call_by_tree, encode_call};

/// What other writers write, as pairs of what is written here and what stands for it there.
const SPELLINGS: [(&str, &str); 13] = [
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
    ("&gt;", ">"),
    ("<member>", "\n  <member>\n\t"),
    ("</data>", " <!-- end --> </data>"),
];

const PIECES: [&str; 21] = [
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

fn document() -> impl Strategy<Value = String> {
    let call = vec(values::value(), 0..4).prop_map(|params| MethodCall::new("m", params));
    let written = call.prop_map(|call| String::from_utf8(encode_call(&call).unwrap()).unwrap());
    (written, vec(select(SPELLINGS.to_vec()), 0..4)).prop_map(|(document, spellings)| {
        spellings.iter().fold(document, |document, (ours, theirs)| document.replace(ours, theirs))
    })
}

fn agree(document: &[u8]) -> Result<(), TestCaseError> {
    let limits = Limits::default();
    prop_assert_eq!(
        decode_call(document, None, &limits),
        decode_call_by_tree(document, None, &limits)
    );
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

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
