//! Which methods of an XML-RPC server are published, and with which parameters.

use protocol::xmlrpc::{Fault, Value};

use super::glob::Glob;
use super::pattern::Pattern;

/// The method that is never published: it would carry what is denied.
const MULTICALL: &str = "system.multicall";

/// Which methods of an XML-RPC server are published.
#[derive(Debug, Clone)]
pub struct Publication {
    /// Stands before their names here.
    pub prefix: String,
    /// Those that are published.
    pub allow: Vec<Glob>,
    /// Those that are not, whatever is allowed.
    pub deny: Vec<Glob>,
    /// What their parameters have to match; all that fit a method hold.
    pub params: Vec<ParamRule>,
}

/// What the parameters of some methods have to match.
#[derive(Debug, Clone)]
pub struct ParamRule {
    /// Which methods.
    pub methods: Glob,
    /// For the first parameter.
    pub first: Pattern,
    /// For each that follows, the last one for all that are left.
    pub rest: Vec<Pattern>,
}

impl Publication {
    /// The name over there of what is called `name` here, if it is published.
    pub fn published<'a>(&self, name: &'a str) -> Option<&'a str> {
        name.strip_prefix(&*self.prefix).filter(|theirs| self.allows(theirs))
    }

    /// Whether the method that is called `theirs` over there is published.
    pub fn allows(&self, theirs: &str) -> bool {
        let fits = |globs: &[Glob]| globs.iter().any(|glob| glob.fits(theirs));
        theirs != MULTICALL && fits(&self.allow) && !fits(&self.deny)
    }

    /// Whether `allow` has the name itself, and no pattern for it.
    pub fn names(&self, theirs: &str) -> bool {
        self.allow.iter().any(|glob| glob.as_name() == Some(theirs))
    }

    /// Whether a call of `theirs` may have these parameters.
    pub fn check(&self, theirs: &str, params: &[Value]) -> Result<(), Fault> {
        let mut rules = self.params.iter().filter(|rule| rule.methods.fits(theirs));
        rules.try_for_each(|rule| rule.check(params))
    }
}

impl ParamRule {
    fn check(&self, params: &[Value]) -> Result<(), Fault> {
        let last = self.rest.last().unwrap_or(&self.first);
        let patterns = [&self.first].into_iter().chain(&self.rest).chain(std::iter::repeat(last));
        for (index, (value, pattern)) in params.iter().zip(patterns).enumerate() {
            let is_fit = match value {
                Value::String(text) => pattern.fits(text.as_bytes()),
                Value::Base64(bytes) => pattern.fits(bytes),
                Value::Array(_) | Value::Struct(_) => {
                    let what = format!("expected a scalar, found {}", value.type_name());
                    return Err(Fault::invalid_params(format!("params[{index}]: {what}")));
                }
                _ => true,
            };
            if !is_fit {
                let what = format!("params[{index}]: expected text that matches {pattern}");
                return Err(Fault::invalid_params(what));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::xmlrpc::Array;

    fn globs(texts: &[&str]) -> Vec<Glob> {
        texts.iter().map(|text| Glob::new(text).unwrap()).collect()
    }

    fn publication() -> Publication {
        let pattern = |source| Pattern::new(source).unwrap();
        Publication {
            prefix: "rt.".to_owned(),
            allow: globs(&["system.*", "download_list", "d.*"]),
            deny: globs(&["d.custom.set", "*.execute*"]),
            params: vec![ParamRule {
                methods: Glob::new("d.multicall2").unwrap(),
                first: pattern(""),
                rest: vec![pattern("main|started"), pattern("d\\.(name|ratio)=")],
            }],
        }
    }

    #[test]
    fn nothing_is_published_that_is_not_allowed() {
        let publication = publication();
        for (name, theirs) in [
            ("rt.d.name", Some("d.name")),
            ("rt.download_list", Some("download_list")),
            ("rt.system.client_version", Some("system.client_version")),
            ("d.name", None),
            ("rt.", None),
            ("rt.execute.throw", None),
            ("rt.d.custom.set", None),
            ("rt.d.execute2", None),
            ("rt.system.multicall", None),
            ("rt.D.name", None),
        ] {
            assert_eq!(publication.published(name), theirs, "{name}");
        }
    }

    #[test]
    fn each_parameter_has_its_pattern() {
        let publication = publication();
        let check = |params: &[Value], expected: Result<(), &str>| {
            let found = publication.check("d.multicall2", params).map_err(|fault| {
                assert_eq!(fault.code, -32602);
                fault.message
            });
            assert_eq!(found.as_ref().copied().map_err(|message| &**message), expected);
        };
        let text = Value::from;
        check(&[], Ok(()));
        check(&[text(""), text("main"), text("d.name="), text("d.ratio=")], Ok(()));
        check(&[text(""), text("main"), Value::from(1), Value::Nil], Ok(()));
        let last = "expected text that matches d\\.(name|ratio)=";
        let bad = [text(""), text("main"), text("d.name="), text("d.name=\nd.x=")];
        check(&bad, Err(&format!("params[3]: {last}")));
        let bytes = Value::Base64(b"execute.throw=".to_vec());
        check(&[text(""), text("main"), bytes], Err(&format!("params[2]: {last}")));
        let bytes = Value::Base64(b"d.name=".to_vec());
        check(&[text(""), text("main"), bytes], Ok(()));
        check(&[text("x")], Err("params[0]: expected text that matches "));
        let nested = Value::Array(Array::try_from(vec![text("")]).unwrap());
        check(&[nested], Err("params[0]: expected a scalar, found array"));
        assert_eq!(publication.check("d.name", &[text("anything")]), Ok(()));
    }
}
