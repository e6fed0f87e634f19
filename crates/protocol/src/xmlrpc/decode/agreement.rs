//! What the guard counted is all that the tree builder finds, whatever the document.

use proptest::collection::vec;
use proptest::prelude::*;
use roxmltree::{Document, Node, NodeType, ParsingOptions};

use crate::xmlrpc::guard::{Survey, survey};
use crate::xmlrpc::limits::Limits;

/// Pieces that documents are made of, and the edges of each.
const PIECES: [&str; 56] = [
    "<a>",
    "</a>",
    "<a/>",
    "<b>",
    "</b>",
    "<a ",
    "<",
    ">",
    "/>",
    "</",
    "a",
    "b='c'",
    "d=\"e\"",
    " ",
    "\n",
    "=",
    "'",
    "\"",
    "<!--",
    "-->",
    "-",
    "--",
    "<![CDATA[",
    "]]>",
    "]",
    "<?",
    "?>",
    "<?p ",
    "?",
    "&",
    "&lt;",
    "&#65;",
    "&#x41;",
    ";",
    "xmlns='u'",
    "xmlns:p='u'",
    "xmlns:q='v'",
    "p:a",
    "<p:a>",
    "</p:a>",
    " p:b='c'",
    "p:xmlns='w'",
    ":",
    "<!DOCTYPE a>",
    "<!DOCTYPE a SYSTEM '",
    "[",
    "<!ENTITY e 'f'>",
    "!",
    "\u{e9}",
    "x='>'",
    " y='/>'",
    " z='<!--'",
    " <a b='1' c='2'>",
    "<!-- <a b='c'> -->",
    "<![CDATA[<a b='c'>]]>",
    "<?p <a b='c'>?>",
];

fn soup() -> impl Strategy<Value = String> {
    vec(prop::sample::select(&PIECES[..]), 0..24).prop_map(|pieces| pieces.concat())
}

/// Documents that are more often well formed: soup inside whole elements.
fn document() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        prop::sample::select(&PIECES[..]).prop_map(str::to_owned),
        Just("text".to_owned()),
        Just("<!-- -> <a> -->".to_owned()),
        Just("<![CDATA[ ]] > <b> ]]>".to_owned()),
        Just("<?p '<a>?>".to_owned()),
    ];
    let attributes = prop::sample::select(vec![
        "",
        " ",
        " a='>'",
        "\nb = \"'/>\" ",
        " xmlns='u'",
        " xmlns:p='u' p:c=''",
        " xmlns:q='w' q:xmlns='v'",
        " a='1' b='2' c='3'",
    ]);
    let element = leaf.prop_recursive(8, 64, 6, move |inner| {
        (
            prop::sample::select(vec!["a", "b", "c.d", "\u{e9}"]),
            attributes.clone(),
            vec(inner, 0..6),
        )
            .prop_map(|(name, attributes, content)| {
                format!("<{name}{attributes}>{}</{name}>", content.concat())
            })
    });
    (soup_edge(), element, soup_edge())
        .prop_map(|(before, root, after)| [before, root, after].concat())
}

fn soup_edge() -> impl Strategy<Value = String> {
    prop::sample::select(vec![
        "",
        "",
        " \n",
        "<!-- x -->",
        "<?p x?>",
        "<!DOCTYPE a>",
        "<!DOCTYPE a SYSTEM '>'> ",
    ])
    .prop_map(str::to_owned)
}

fn check(text: &str) -> Result<(), TestCaseError> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    let (Ok(survey), Ok(tree)) =
        (survey(text, &Limits::default()), Document::parse_with_options(text, options))
    else {
        return Ok(());
    };
    let found = counted(&tree);
    // CDATA sections are text to the tree.
    let sections = text.contains("<![CDATA[");
    prop_assert!(survey.elements == found.elements || sections, "{}", text);
    prop_assert!(survey.elements >= found.elements, "{}", text);
    prop_assert_eq!(survey.attributes, found.attributes, "{}", text);
    prop_assert!(survey.namespaces >= found.namespaces, "{}", text);
    prop_assert_eq!(survey.depth, found.depth, "{}", text);
    Ok(())
}

fn counted(tree: &Document) -> Survey {
    let mut found = Survey::default();
    for node in tree.descendants() {
        match node.node_type() {
            NodeType::Element => {
                found.elements += 1;
                found.attributes += node.attributes().len();
                found.namespaces += declared(node);
                let depth = node.ancestors().filter(Node::is_element).count();
                found.depth = found.depth.max(depth);
            }
            NodeType::Comment | NodeType::PI => found.elements += 1,
            NodeType::Root | NodeType::Text => {}
        }
    }
    found
}

/// Namespaces that are in scope here and not around: at most what the tag declares.
fn declared(node: Node) -> usize {
    let around = |name, uri| {
        let mut outer = node.parent_element().into_iter().flat_map(|parent| parent.namespaces());
        outer.any(|outer| outer.name() == name && outer.uri() == uri)
    };
    node.namespaces().filter(|own| !around(own.name(), own.uri())).count()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn guard_misses_nothing_in_soup(text in soup()) {
        check(&text)?;
    }

    #[test]
    fn guard_misses_nothing_in_documents(text in document()) {
        check(&text)?;
    }
}
