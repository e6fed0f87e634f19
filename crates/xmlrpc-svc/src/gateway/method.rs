//! A method that sends a line to an upstream.

use encoding_rs::Encoding;
use protocol::xmlrpc::{Fault, TypeName, Value};

use super::framing::Framing;
use super::outcome::{Kind, Scalar};
use super::parameter::Parameter;
use super::template::{Template, encoded, unsayable};

/// Longest line that is sent, in bytes without its end.
pub const MAX_LINE_BYTES: usize = 65_536;

/// A method that sends a line to an upstream, as the file has it.
#[derive(Debug, Clone)]
pub struct LineMethod {
    /// What it is called by.
    pub name: String,
    /// What it does, in words.
    pub help: String,
    /// What it takes, in order.
    pub parameters: Vec<Parameter>,
    /// The line.
    pub send: Template,
    /// What is asked afterwards.
    pub then: Option<Question>,
    /// Where the reply ends.
    pub reply: Framing,
    /// What the reply is.
    pub result: Kind,
    /// Whether it does no harm to send the line twice.
    pub is_idempotent: bool,
}

/// What is asked after a line, on the same connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// The line.
    pub send: Template,
    /// How its answer, a line, begins where all is well.
    pub ok: String,
}

/// What one call sends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The line, without its end.
    pub send: Vec<u8>,
    /// What is asked afterwards, without its end.
    pub then: Option<Vec<u8>>,
}

impl LineMethod {
    /// The lines of a call with these parameters, in the `charset` of the template.
    pub fn lines(&self, params: &[Value], charset: &'static Encoding) -> Result<Lines, Fault> {
        let (expected, found) = (self.parameters.len(), params.len());
        if expected != found {
            let plural = if expected == 1 { "" } else { "s" };
            let what = format!("expected {expected} parameter{plural}, found {found}");
            return Err(Fault::invalid_params(what));
        }
        let texts = self.texts(params, charset)?;
        Ok(Lines {
            send: line(&self.send, &texts)?,
            then: self.then.as_ref().map(|then| line(&then.send, &texts)).transpose()?,
        })
    }

    fn texts(&self, params: &[Value], charset: &'static Encoding) -> Result<Vec<Vec<u8>>, Fault> {
        let written = self.parameters.iter().zip(params).enumerate();
        let written = written.map(|(index, (parameter, value))| {
            let text = parameter.write(index, value)?;
            let bytes = encoded(&text, charset);
            bytes.ok_or_else(|| parameter.fault(index, &unsayable(charset)))
        });
        written.collect()
    }

    /// The type of the result.
    pub fn returns(&self) -> TypeName {
        match &self.result {
            Kind::Nil => TypeName::Nil,
            Kind::Scalar(of) => type_name(of),
            Kind::Array { .. } => TypeName::Array,
            Kind::Struct { .. } => TypeName::Struct,
            Kind::Match { pattern, .. } if pattern.capture_names().flatten().next().is_some() => {
                TypeName::Struct
            }
            Kind::Match { of, .. } => type_name(of),
        }
    }
}

fn line(template: &Template, texts: &[Vec<u8>]) -> Result<Vec<u8>, Fault> {
    let line = template.write(texts);
    if line.len() > MAX_LINE_BYTES {
        let what = format!("params: expected at most {MAX_LINE_BYTES} bytes in a line");
        return Err(Fault::invalid_params(what));
    }
    Ok(line)
}

fn type_name(scalar: &Scalar) -> TypeName {
    match scalar {
        Scalar::String => TypeName::String,
        Scalar::Int => TypeName::I8,
        Scalar::Double => TypeName::Double,
        Scalar::Boolean(_) => TypeName::Boolean,
        Scalar::Base64 => TypeName::Base64,
    }
}
