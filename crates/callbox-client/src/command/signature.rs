//! What a server says of its methods' parameters.

use callbox_client::{Call, Client, Error, ErrorKind, Value};

/// The types of a method's parameters and of its result, by the server's own names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Signature {
    pub(crate) returns: String,
    pub(crate) params: Vec<String>,
}

const METHOD_SIGNATURE: &str = "system.methodSignature";

/// Methods that are asked about at once.
const BATCH: usize = 100;

/// The signatures of a method: none where the server tells none.
pub(crate) async fn of_method(client: &Client, method: &str) -> Result<Vec<Signature>, Error> {
    known(client.repeatable().call(METHOD_SIGNATURE, (method,)).await)
}

/// The signatures of each of `methods`.
pub(crate) async fn of_all(
    client: &Client,
    methods: &[String],
) -> Result<Vec<Vec<Signature>>, Error> {
    let mut all = Vec::with_capacity(methods.len());
    for methods in methods.chunks(BATCH) {
        let calls = methods.iter().map(|method| Call::new(METHOD_SIGNATURE, (method,)));
        for answer in client.repeatable().multicall(calls).await? {
            all.push(known(answer)?);
        }
    }
    Ok(all)
}

/// Who answers with a fault, or with a text that there are none, tells none.
fn known(answer: Result<Value, Error>) -> Result<Vec<Signature>, Error> {
    match answer {
        Ok(Value::Array(signatures)) => Ok(signatures.iter().filter_map(signature).collect()),
        Ok(_) => Ok(Vec::new()),
        Err(error) => match error.kind() {
            ErrorKind::Transport(_) => Err(error),
            _ => Ok(Vec::new()),
        },
    }
}

fn signature(value: &Value) -> Option<Signature> {
    let mut names = value.as_array()?.iter().map(|name| name.as_str().map(str::to_owned));
    let returns = names.next()??;
    Some(Signature { returns, params: names.collect::<Option<_>>()? })
}

impl Signature {
    /// As a list shows it, behind the name.
    pub(crate) fn shown(&self) -> String {
        format!("({}) -> {}", self.params.join(", "), self.returns)
    }
}
