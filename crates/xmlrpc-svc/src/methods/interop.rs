//! `interopEchoTests.*`: what comes back is what was sent, of the type that the method names.

use callbox::{Base64, DateTime, Registry, Reply, Struct, Value};
use serde::{Deserialize, Serialize};

/// Publishes the group.
pub fn add(registry: &mut Registry) {
    registry.add("interopEchoTests.echoString", ECHO, |text: String| text).names(["text"]);
    registry.add("interopEchoTests.echoInteger", ECHO, |number: i64| number).names(["number"]);
    registry.add("interopEchoTests.echoFloat", ECHO, |number: f64| number).names(["number"]);
    registry.add("interopEchoTests.echoBoolean", ECHO, |flag: bool| flag).names(["flag"]);
    registry.add("interopEchoTests.echoDate", ECHO, |date: DateTime| date).names(["date"]);
    registry.add("interopEchoTests.echoBase64", ECHO, |bytes: Base64| bytes).names(["bytes"]);
    registry.add("interopEchoTests.echoStruct", ECHO, |members: Struct| members).names(["members"]);
    registry
        .add("interopEchoTests.echoStringArray", ECHO, |texts: Vec<String>| texts)
        .names(["texts"]);
    registry
        .add("interopEchoTests.echoIntegerArray", ECHO, |numbers: Vec<i64>| numbers)
        .names(["numbers"]);
    registry
        .add("interopEchoTests.echoFloatArray", ECHO, |numbers: Vec<f64>| numbers)
        .names(["numbers"]);
    registry
        .add("interopEchoTests.echoStructArray", ECHO, |structs: Vec<Struct>| structs)
        .names(["structs"]);
    registry.add("interopEchoTests.echoValue", ECHO, |value: Value| value).names(["value"]);
    registry.add("interopEchoTests.noInParams", "Takes nothing and returns true.", || true);
    registry.add("interopEchoTests.whichToolkit", "Names this toolkit.", Toolkit::this);
}

const ECHO: &str = "Returns its argument.";

#[derive(Serialize, Deserialize, Reply)]
#[serde(rename_all = "camelCase")]
struct Toolkit {
    toolkit_docs_url: String,
    toolkit_name: String,
    toolkit_version: String,
    toolkit_operating_system: String,
}

impl Toolkit {
    fn this() -> Self {
        Self {
            toolkit_docs_url: "http://xmlrpc.com/".to_owned(),
            toolkit_name: "Callbox".to_owned(),
            toolkit_version: env!("CARGO_PKG_VERSION").to_owned(),
            toolkit_operating_system: std::env::consts::OS.to_owned(),
        }
    }
}
