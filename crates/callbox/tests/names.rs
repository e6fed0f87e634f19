//! A method that is not there is told by the name that was asked for.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use callbox::{Registry, code};
use edge::{DEFAULTS, array, ask, entry, fault, multicall, start};

/// Names as they stand in a document, and as faults show them.
fn names() -> Vec<(String, String)> {
    [
        ("orders.plcae", "orders.plcae"),
        ("Orders.place", "Orders.place"),
        ("a'b\"c", "a'b\"c"),
        ("a&lt;b&gt;&amp;c", "a<b>&c"),
        ("größe", "größe"),
        ("a\tb", "a\\tb"),
        ("a&#13;b", "a\\rb"),
        ("a&#10;b", "a\\nb"),
        ("a\\nb", "a\\\\nb"),
        ("a\u{7f}b", "a\\u{7f}b"),
        ("a\u{202e}b", "a\\u{202e}b"),
        ("system.nothing", "system.nothing"),
        ("__class__", "__class__"),
    ]
    .into_iter()
    .map(|(sent, shown)| (sent.to_owned(), shown.to_owned()))
    .chain([
        ("x".repeat(100), "x".repeat(100)),
        ("x".repeat(101), "x".repeat(100) + "..."),
        ("\u{1f600}".repeat(120), "\u{1f600}".repeat(100) + "..."),
        ("x".repeat(10_000), "x".repeat(100) + "..."),
    ])
    .collect()
}

#[tokio::test]
async fn name_that_is_not_there_is_told() {
    let mut registry = Registry::new();
    registry.add("orders.place", "", || 1);
    let addr = start(registry, DEFAULTS).await;
    for (sent, shown) in names() {
        let text = format!("no such method: {shown}");
        let expected = Err((code::METHOD_NOT_FOUND, text.clone()));
        for method in ["system.methodHelp", "system.methodSignature"] {
            assert_eq!(ask(addr, method, &[&sent]).await, expected, "{method} {sent}");
        }
        let results = multicall(addr, &[entry(&sent, ""), entry("orders.place", "")]).await;
        let told = fault(code::METHOD_NOT_FOUND, &text);
        assert_eq!(results, Ok(array([told, array([1])])), "{sent}");
        assert_eq!(ask(addr, &sent, &[]).await, expected, "{sent}");
    }
}
