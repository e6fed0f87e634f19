//! `system.*`: what is published here, and several calls in one.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use protocol::xmlrpc::{Array, Fault, TypeName, Value};
use serde::{Deserialize, Serialize};

use super::caller::Caller;
use super::failure::Failure;
use super::function::Function;
use super::method::{Method, Overload};
use super::multicall::{MULTICALL, multicall};
use super::published::Published;
use super::reply::{self, Reply};

/// What the names of all these methods begin with.
pub(super) const PREFIX: &str = "system.";

/// The methods, which speak of `published`: what they will be in.
pub(super) fn methods(published: &Weak<Published>, max_entries: usize) -> [Method; 5] {
    let (list, help) = (published.clone(), published.clone());
    let (signatures, calls) = (published.clone(), published.clone());
    [
        method(
            "system.listMethods",
            "Lists the names of all methods, sorted.",
            &[],
            move |caller: &Caller| Ok::<_, Fault>(there(&list)?.names(caller)),
        ),
        method(
            "system.methodHelp",
            "Says what a method does.",
            &["name"],
            move |caller: &Caller, name: String| {
                Ok::<_, Fault>(there(&help)?.method(&name, caller)?.help().to_owned())
            },
        ),
        method(
            "system.methodSignature",
            "Lists a method's signatures, each with the result's type first. \
             Where none is known, returns the string undef.",
            &["name"],
            move |caller: &Caller, name: String| {
                Signatures(
                    there(&signatures)
                        .and_then(|there| Ok(there.method(&name, caller)?.signatures())),
                )
            },
        ),
        method(
            "system.getCapabilities",
            "Names what this service can do, and where that is specified.",
            &[],
            || Ok::<_, Fault>(capabilities()),
        ),
        method(
            MULTICALL,
            "Makes several calls, an array of structs with methodName and params. \
             Returns an array of their results: each an array of one value, or a fault struct.",
            &["calls"],
            move |calls_made: Array, caller: Caller| {
                let there = there(&calls);
                async move { multicall(&*there?, calls_made, &caller, max_entries).await }
            },
        )
        .held_by_others(),
    ]
}

fn method<Marker>(
    name: &'static str,
    help: &'static str,
    names: &[&'static str],
    function: impl Function<Marker>,
) -> Method {
    let mut method = Method::new(name, help, Overload::of(function));
    method.names(names.iter().copied());
    method
}

/// The signatures of a method; of some none is known.
struct Signatures(Result<Vec<Vec<String>>, Fault>);

impl Reply for Signatures {
    fn type_name() -> TypeName {
        TypeName::Array
    }

    fn into_result(self) -> Result<Value, Failure> {
        match self.0? {
            none if none.is_empty() => reply::into_result("undef"),
            signatures => reply::into_result(signatures),
        }
    }
}

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

/// What the methods speak of.
pub(super) fn there(published: &Weak<Published>) -> Result<Arc<Published>, Fault> {
    published.upgrade().ok_or_else(Fault::internal)
}
