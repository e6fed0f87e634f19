//! `system.*`: what is published here, and several calls in one.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use protocol::xmlrpc::{Array, Fault};
use serde::{Deserialize, Serialize};

use super::multicall::multicall;
use crate::registry::Registry;

/// Publishes the group, which speaks of `published`: the registry that it will be in.
pub fn add(registry: &mut Registry, published: &Weak<Registry>, max_entries: usize) {
    let methods = published.clone();
    registry.add("system.listMethods", "Lists the names of all methods, sorted.", move || {
        Ok::<_, Fault>(there(&methods)?.names())
    });
    let methods = published.clone();
    registry.add("system.methodHelp", "Says what a method does.", move |name: String| {
        let methods = there(&methods)?;
        let entry = methods.entry(&name).ok_or_else(|| Fault::method_not_found(&name))?;
        Ok::<_, Fault>(entry.help())
    });
    let methods = published.clone();
    registry.add(
        "system.methodSignature",
        "Lists a method's signatures, each with the result's type first.",
        move |name: String| {
            let methods = there(&methods)?;
            let entry = methods.entry(&name).ok_or_else(|| Fault::method_not_found(&name))?;
            Ok::<_, Fault>(entry.signatures().collect::<Vec<_>>())
        },
    );
    registry.add(
        "system.getCapabilities",
        "Names what this service can do, and where that is specified.",
        capabilities,
    );
    let methods = published.clone();
    registry.add("system.multicall", MULTICALL_HELP, move |calls: Array| {
        let methods = there(&methods);
        async move { multicall(&*methods?, calls, max_entries).await }
    });
}

const MULTICALL_HELP: &str = "Makes several calls, an array of structs with methodName and params. \
    Returns an array of their results: each an array of one value, or a fault struct.";

/// A specification that the service keeps to.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Capability {
    spec_url: String,
    spec_version: i32,
}

fn capabilities() -> BTreeMap<String, Capability> {
    let specifications = [
        ("xmlrpc", "http://www.xmlrpc.com/spec", 1),
        ("introspection", "http://xmlrpc-c.sourceforge.net/introspection.html", 1),
        ("system.multicall", "http://www.xmlrpc.com/discuss/msgReader$1208", 1),
        ("nil", "http://ontosys.com/xml-rpc/extensions.php", 20010518),
        ("faults_interop", "http://xmlrpc-epi.sourceforge.net/specs/rfc.fault_codes.php", 20010516),
    ];
    let capability = |(name, url, spec_version): (&str, &str, i32)| {
        (name.to_owned(), Capability { spec_url: url.to_owned(), spec_version })
    };
    specifications.map(capability).into()
}

fn there(methods: &Weak<Registry>) -> Result<Arc<Registry>, Fault> {
    methods.upgrade().ok_or_else(Fault::internal)
}
