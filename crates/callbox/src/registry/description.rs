//! What is told of a method to those who ask what there is.

use protocol::xmlrpc::TypeName;

use super::called::Called;
use super::caller::Caller;
use super::method::Method;
use super::published::Published;
use super::signature::Signature;

/// What is told of a method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Description {
    pub(crate) name: String,
    /// What it does, in words.
    pub(crate) help: String,
    /// The forms that a call of it can have; none where none is known.
    pub(crate) forms: Vec<Form>,
}

/// A form that a call can have, with the types as `system.methodSignature` names them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Form {
    /// The type of the result.
    pub(crate) returns: String,
    pub(crate) params: Vec<FormParameter>,
}

/// A parameter of such a form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FormParameter {
    pub(crate) name: String,
    pub(crate) type_name: String,
    /// Whether nil stands for it too and, with nothing but optional ones after it, nothing.
    pub(crate) is_optional: bool,
}

impl Published {
    /// What can be told of all methods that the caller may call, in the order of their names.
    pub(crate) fn descriptions(&self, caller: &Caller) -> Vec<Description> {
        let names = self.names(caller).into_iter();
        // One of a catalog may have gone meanwhile.
        names.filter_map(|name| Some(describe(self.method(&name, caller).ok()?, name))).collect()
    }
}

fn describe(method: Called<'_>, name: String) -> Description {
    let forms = match &method {
        Called::Own(own) => own.signatures().map(|signature| form(own, signature)).collect(),
        Called::Lent(lent) => {
            let method = lent.method();
            let names: Vec<_> = method.parameter_names().collect();
            method.signatures().iter().filter_map(|types| told_form(types, &names)).collect()
        }
    };
    Description { name, help: method.help().to_owned(), forms }
}

fn form(method: &Method, signature: &Signature) -> Form {
    let names: Vec<_> = method.parameter_names().collect();
    let params = signature.params.iter().enumerate().map(|(index, param)| FormParameter {
        name: parameter_name(&names, index),
        type_name: spelled(param.type_name),
        is_optional: param.is_optional,
    });
    Form { returns: spelled(signature.returns), params: params.collect() }
}

/// The form that a catalog tells by its `types`, the result's first.
fn told_form(types: &[String], names: &[&str]) -> Option<Form> {
    let (returns, types) = types.split_first()?;
    let params = types.iter().enumerate().map(|(index, type_name)| FormParameter {
        name: parameter_name(names, index),
        type_name: type_name.clone(),
        is_optional: false,
    });
    Some(Form { returns: returns.clone(), params: params.collect() })
}

/// What the parameter at that place is called: `p1` and so on where nobody has named it.
pub(super) fn parameter_name(names: &[&str], index: usize) -> String {
    names.get(index).map_or_else(|| format!("p{}", index + 1), |name| (*name).to_owned())
}

/// An integer of 64 bits is most often written as one of 32.
fn spelled(name: TypeName) -> String {
    let name = if name == TypeName::I8 { TypeName::Int } else { name };
    name.as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use svc_runtime::metrics::Metrics;

    use super::*;
    use crate::registry::{
        Awaited, Catalog, CatalogMethod, Handler, Program, PublishLimits, Registry,
    };
    use protocol::xmlrpc::{DateTime, Fault, Value};

    struct Silent;

    impl Handler for Silent {
        fn call(&self, _: &str, _: Vec<Value>, _: &Caller) -> Awaited<Result<Value, Fault>> {
            Box::pin(async { Ok(Value::Nil) })
        }
    }

    fn described(registry: Registry) -> Vec<String> {
        let limits = PublishLimits { multicall_entries: 1, blocking_calls: 1, result_bytes: 1 };
        let published = registry.publish(&Program::default(), limits, &Metrics::new()).unwrap();
        let described = published.descriptions(&Caller::unknown()).into_iter();
        let own = described.filter(|method| !method.name.starts_with("system."));
        own.flat_map(|method| lines(&method)).collect()
    }

    /// `name(a: int, [b: int]) -> int: help`, a line a form.
    fn lines(method: &Description) -> Vec<String> {
        let param = |param: &FormParameter| {
            let typed = format!("{}: {}", param.name, param.type_name);
            if param.is_optional { format!("[{typed}]") } else { typed }
        };
        let form = |form: &Form| {
            let params: Vec<_> = form.params.iter().map(param).collect();
            format!("{}({}) -> {}: {}", method.name, params.join(", "), form.returns, method.help)
        };
        if method.forms.is_empty() {
            return vec![format!("{}: {}", method.name, method.help)];
        }
        method.forms.iter().map(form).collect()
    }

    #[test]
    fn each_function_of_a_method_is_a_form() {
        let mut registry = Registry::new();
        registry
            .add("sum", "Adds.", |a: i64, b: Option<i32>| a + i64::from(b.unwrap_or(0)))
            .or(|a: String| a)
            .names(["first", "second"]);
        registry.add("half", "Halves.", |number: f64| number / 2.0);
        registry.add("now", "Tells.", |at: DateTime| at).names(["at"]);
        let expected = [
            "half(p1: double) -> double: Halves.",
            "now(at: dateTime.iso8601) -> dateTime.iso8601: Tells.",
            "sum(first: int, [second: int]) -> int: Adds.",
            "sum(first: string) -> string: Adds.",
        ];
        assert_eq!(described(registry), expected);
    }

    #[test]
    fn methods_of_catalogs_are_told_as_far_as_they_are_known() {
        let catalog = Catalog::new();
        let method = |name: &str| CatalogMethod::new(name, "Asks.", Arc::new(Silent));
        let typed = method("typed").names(["key"]).signature(["string", "string", "int"]);
        catalog.publish(vec![method("bare"), typed], vec![]).unwrap();
        let mut registry = Registry::new();
        registry.add_catalog(&catalog);
        let expected = ["bare: Asks.", "typed(key: string, p2: int) -> string: Asks."];
        assert_eq!(described(registry), expected);
    }
}
