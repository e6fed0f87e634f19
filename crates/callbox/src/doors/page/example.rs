//! A call as people paste it into a shell, to begin with.

use std::fmt;

use super::text::{Escaped, Quoted};
use crate::registry::{Description, Form};

/// A call of a method by curl, with a value for each parameter of its first form. Where the service
/// is stands in `$URL`: it cannot know by which address it is reached.
pub(super) struct Curl<'a>(pub(super) &'a Description);

impl fmt::Display for Curl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let call = Quoted(Call(self.0));
        write!(f, "curl \"$URL\" -H 'Content-Type: text/xml' -d {call}")
    }
}

struct Call<'a>(&'a Description);

impl fmt::Display for Call<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<methodCall><methodName>{}</methodName><params>", Escaped(&self.0.name))?;
        for type_name in self.0.forms.first().map(types).into_iter().flatten() {
            write!(f, "<param><value>{}</value></param>", value(type_name))?;
        }
        f.write_str("</params></methodCall>")
    }
}

fn types(form: &Form) -> impl Iterator<Item = &str> {
    form.params.iter().map(|param| &*param.type_name)
}

/// Some value of the type.
fn value(type_name: &str) -> &'static str {
    match type_name {
        "int" | "i4" => "<int>1</int>",
        "i8" => "<i8>1</i8>",
        "double" => "<double>1.5</double>",
        "boolean" => "<boolean>1</boolean>",
        "dateTime.iso8601" => "<dateTime.iso8601>20300102T03:04:05</dateTime.iso8601>",
        "base64" => "<base64>dGV4dA==</base64>",
        "array" => "<array><data/></array>",
        "struct" => "<struct/>",
        "nil" => "<nil/>",
        _ => "<string>text</string>",
    }
}
