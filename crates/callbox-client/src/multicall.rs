//! Several calls as one `system.multicall`, and what servers make of that.

use protocol::xmlrpc::{Array, Fault, Struct, TypeError, Value, check_writable, code};
use serde::de::Error as _;
use tokio::time::Instant;

use crate::client::Client;
use crate::error::{Error, ErrorKind};
use crate::params::{BadParams, Params};

/// The method by which a server takes several calls.
const MULTICALL: &str = "system.multicall";

/// One of several calls that go together.
#[derive(Debug, Clone, PartialEq)]
pub struct Call {
    method: String,
    params: Result<Vec<Value>, BadParams>,
}

impl Call {
    /// A call of a method. What is wrong with the parameters is told in the place of its result.
    pub fn new(method: impl Into<String>, params: impl Params) -> Self {
        Self { method: method.into(), params: params.into_values() }
    }

    /// The method's name.
    pub fn method(&self) -> &str {
        &self.method
    }

    fn into_entry(self) -> Result<Value, BadParams> {
        let params = Value::from(Array::try_from(self.params?).map_err(BadParams::new)?);
        check_writable(&params).map_err(BadParams::new)?;
        let members = [("methodName", Value::from(self.method)), ("params", params)];
        let members = members.map(|(name, value)| (name.to_owned(), value)).to_vec();
        Ok(Struct::from_members(members).map_err(BadParams::new)?.into())
    }
}

/// How a server takes several calls as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Manner {
    /// Each result stands in an array of its own, as usual.
    Wrapped,
    /// Each result stands as it is: so does Supervisor.
    Bare,
    /// Not at all.
    Missing,
}

type Outcome = Result<Value, ErrorKind>;

impl Client {
    pub(crate) async fn call_together(&self, calls: Vec<Call>) -> Result<Vec<Outcome>, Error> {
        let deadline = self.deadline();
        if self.manner().get() != Some(&Manner::Missing) {
            // A copy: they are made one by one where the server does not take several.
            let together = self.call_as_one(deadline, calls.clone()).await;
            if let Some(results) = together.map_err(|kind| self.error(MULTICALL, kind))? {
                return Ok(results);
            }
        }
        let mut results = Vec::with_capacity(calls.len());
        for Call { method, params } in calls {
            results.push(match params {
                Ok(params) => self.call_until(deadline, &method, params).await,
                Err(error) => Err(error.into()),
            });
        }
        Ok(results)
    }

    /// The results, or `None` where the server does not take several calls.
    async fn call_as_one(
        &self,
        deadline: Instant,
        calls: Vec<Call>,
    ) -> Result<Option<Vec<Outcome>>, ErrorKind> {
        let mut entries = Vec::with_capacity(calls.len());
        let places = calls.into_iter().map(|call| {
            entries.push(call.into_entry()?);
            Ok(())
        });
        let places: Vec<Result<(), BadParams>> = places.collect();
        let number = entries.len();
        let mut results = Vec::new().into_iter();
        if number > 0 {
            match self.multicall_until(deadline, entries).await {
                Ok(answer) => {
                    let answers = list(answer, number)?;
                    let manner = self.manner_of(deadline, &answers).await;
                    results = unwrap(answers, manner).into_iter();
                }
                Err(ErrorKind::Fault(fault)) if self.is_missing(deadline, &fault).await => {
                    let _ = self.manner().set(Manner::Missing);
                    return Ok(None);
                }
                Err(kind) => return Err(kind),
            }
        }
        let mut result = |()| results.next().unwrap_or_else(|| Err(odd("no result")));
        let places = places.into_iter().map(|place| place.map_err(ErrorKind::from));
        Ok(Some(places.map(|place| place.and_then(&mut result)).collect()))
    }

    async fn multicall_until(&self, deadline: Instant, entries: Vec<Value>) -> Outcome {
        let entries = Array::try_from(entries).map_err(BadParams::new)?;
        self.call_until(deadline, MULTICALL, vec![entries.into()]).await
    }

    /// Whether a fault that a whole multicall got means that there is none. Servers have many codes
    /// for that, and a fault after all calls ran, for a result that has no form in XML-RPC, may be
    /// the same: a multicall of none tells them apart. In doubt the fault stands, and no call is
    /// made again.
    async fn is_missing(&self, deadline: Instant, fault: &Fault) -> bool {
        let Err(ErrorKind::Fault(empty)) = self.multicall_until(deadline, Vec::new()).await else {
            return false;
        };
        if empty.code == code::METHOD_NOT_FOUND {
            return true;
        }
        match self.call_until(deadline, "system.listMethods", Vec::new()).await {
            Ok(Value::Array(names)) => !names.iter().any(|name| name.as_str() == Some(MULTICALL)),
            // It has no list: what it says of any calls alike is not about what these did.
            Ok(_) | Err(ErrorKind::Fault(_)) => empty == *fault,
            Err(_) => false,
        }
    }

    /// How the server's results stand. Where that cannot be seen they may all be arrays of one
    /// value: then it is asked once for what is a text. Where no answer comes to that, these calls
    /// ran all the same: they are taken for what is usual, and it is asked again after the next.
    async fn manner_of(&self, deadline: Instant, answers: &[Value]) -> Manner {
        if let Some(manner) = self.manner().get() {
            return *manner;
        }
        if answers.iter().all(|answer| fault_in(answer).is_some()) {
            return Manner::Wrapped;
        }
        let manner =
            match answers.iter().all(|answer| is_wrapped(answer) || fault_in(answer).is_some()) {
                true => self.ask_manner(deadline).await,
                false => Some(Manner::Bare),
            };
        manner.map_or(Manner::Wrapped, |manner| *self.manner().get_or_init(|| manner))
    }

    /// `None` where no answer comes.
    async fn ask_manner(&self, deadline: Instant) -> Option<Manner> {
        let entry = Call::new("system.methodHelp", (MULTICALL,)).into_entry().ok()?;
        match self.multicall_until(deadline, vec![entry]).await {
            Ok(Value::Array(answers)) if answers.iter().any(|answer| answer.as_str().is_some()) => {
                Some(Manner::Bare)
            }
            Ok(_) | Err(ErrorKind::Fault(_)) => Some(Manner::Wrapped),
            Err(_) => None,
        }
    }
}

fn list(answer: Value, number: usize) -> Result<Vec<Value>, ErrorKind> {
    match answer {
        Value::Array(answers) if answers.len() == number => Ok(answers.into_vec()),
        Value::Array(answers) => {
            Err(odd(&format!("expected {number} results, found {}", answers.len())))
        }
        other => Err(odd(&format!("expected array of results, found {}", other.type_name()))),
    }
}

fn unwrap(answers: Vec<Value>, manner: Manner) -> Vec<Outcome> {
    let result = |answer: Value| match (fault_in(&answer), answer, manner) {
        (Some(fault), _, _) => Err(ErrorKind::Fault(fault)),
        (None, answer, Manner::Bare) => Ok(answer),
        (None, Value::Array(only), _) if only.len() == 1 => {
            only.into_vec().pop().ok_or_else(|| odd("no result"))
        }
        (None, answer, _) => {
            let found = answer.type_name();
            Err(odd(&format!("expected array of one result, or a fault, found {found}")))
        }
    };
    answers.into_iter().map(result).collect()
}

fn is_wrapped(answer: &Value) -> bool {
    answer.as_array().is_some_and(|only| only.len() == 1)
}

fn fault_in(answer: &Value) -> Option<Fault> {
    answer.as_struct().and_then(Fault::from_struct)
}

fn odd(what: &str) -> ErrorKind {
    ErrorKind::Result(TypeError::custom(what))
}
