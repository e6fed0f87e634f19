//! Which of a method's functions is called, by what it is called with.

use protocol::xmlrpc::{Fault, Value};

use super::description::parameter_name;
use super::method::{Method, Overload};
use super::params::{Params, Placed, missing, numbered};
use super::signature::{Signature, list};

impl Method {
    /// The function that `params` fit, and what it is called with.
    pub(super) fn fitting(&self, params: Params) -> Result<(&Overload, Vec<Value>), Fault> {
        match params {
            Params::Typed(values) => Ok((self.fitting_types(&values)?, values)),
            Params::Positional(values) => self.fitting_texts(values.into()),
            Params::Named(members) => self.fitting_texts(self.placed(members)?),
        }
    }

    fn fitting_types(&self, params: &[Value]) -> Result<&Overload, Fault> {
        let mut overloads = self.overloads.iter();
        match (overloads.find(|overload| overload.signature.fits(params)), &self.overloads[..]) {
            (Some(overload), _) => Ok(overload),
            // The only function says best what is wrong with its parameters.
            (None, [only]) if only.signature.fits_number(params.len()) => Ok(only),
            (None, _) => Err(self.misfit(params)),
        }
    }

    /// As types first, since text is text where that fits.
    fn fitting_texts(&self, placed: Placed) -> Result<(&Overload, Vec<Value>), Fault> {
        let takers = self.overloads.iter().filter(|overload| overload.signature.takes(&placed));
        let takers: Vec<_> = takers.collect();
        let values = placed.values;
        if let ([only], [_]) = (&takers[..], &self.overloads[..]) {
            return Ok((only, only.signature.read_texts(values)));
        }
        if let Some(overload) = takers.iter().find(|overload| overload.signature.fits(&values)) {
            return Ok((overload, values));
        }
        let mut texts = takers.iter().filter(|overload| overload.signature.fits_texts(&values));
        let read = texts.find_map(|overload| {
            let read = overload.signature.read_texts(values.clone());
            overload.signature.fits(&read).then_some((*overload, read))
        });
        read.ok_or_else(|| self.misfit(&values))
    }

    fn placed(&self, members: Vec<(String, Value)>) -> Result<Placed, Fault> {
        let most = self.signatures().map(|signature| signature.params.len()).max().unwrap_or(0);
        let place = |name: &str| self.place(name).filter(|index| *index < most);
        let placed = Placed::by_name(members, place)?;
        let mut lacking = self.signatures().map(|signature| signature.lacks(&placed));
        match lacking.next().flatten() {
            Some(index) if lacking.all(|others| others.is_some()) => {
                let names: Vec<_> = self.parameter_names().collect();
                Err(missing(&parameter_name(&names, index)))
            }
            _ => Ok(placed),
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        match self.parameter_names().len() {
            0 => numbered(name),
            _ => self.parameter_names().position(|own| own == name),
        }
    }

    fn misfit(&self, params: &[Value]) -> Fault {
        if let [only] = &self.overloads[..] {
            return wrong_number(&only.signature, params.len());
        }
        let expected: Vec<_> = self.signatures().map(Signature::expected).collect();
        let found = list(params.iter().map(Value::type_name));
        Fault::invalid_params(format!("params: expected {}, found {found}", expected.join(" or ")))
    }
}

fn wrong_number(signature: &Signature, found: usize) -> Fault {
    let (least, most) = (signature.required(), signature.params.len());
    let expected = if least == most { least.to_string() } else { format!("{least} to {most}") };
    let plural = if most == 1 { "" } else { "s" };
    Fault::invalid_params(format!("expected {expected} parameter{plural}, found {found}"))
}
