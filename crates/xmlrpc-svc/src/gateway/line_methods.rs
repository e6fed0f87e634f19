//! The methods that ask line services, and how calls reach those.

use std::sync::Arc;

use callbox::{Awaited, Caller, CatalogMethod, Fault, Handler, Value};
use encoding_rs::Encoding;
use svc_runtime::budget::Share;
use svc_runtime::seldom::Seldom;
use tokio::time::Instant;
use tracing::warn;

use super::answer_memory::MAX_UNCOUNTED;
use super::line::{Exchange, LineUpstream, Then};
use super::method::{LineMethod, Lines};
use super::reading::aside;
use super::reply::{Body, Reply};
use super::trouble::{Trouble, nonsense};

/// The method as it is published.
pub(super) fn published(
    upstream: LineUpstream,
    encoding: &'static Encoding,
    method: LineMethod,
) -> CatalogMethod {
    let types = [method.returns()].into_iter();
    let types = types.chain(method.parameters.iter().map(|parameter| parameter.type_name()));
    let types: Vec<_> = types.map(|name| name.as_str()).collect();
    let names: Vec<_> = method.parameters.iter().map(|parameter| parameter.name.clone()).collect();
    let (name, help) = (method.name.clone(), method.help.clone());
    let handler =
        LineHandler(Arc::new(Inner { upstream, encoding, method, misfits: Seldom::new() }));
    CatalogMethod::new(name, help, Arc::new(handler)).names(names).signature(types)
}

struct LineHandler(Arc<Inner>);

struct Inner {
    upstream: LineUpstream,
    encoding: &'static Encoding,
    method: LineMethod,
    /// Replies that do not fit the method's result.
    misfits: Seldom,
}

impl Handler for LineHandler {
    fn call(
        &self,
        _name: &str,
        params: Vec<Value>,
        _caller: &Caller,
    ) -> Awaited<Result<Value, Fault>> {
        let inner = self.0.clone();
        let exchange = inner.exchange(&params);
        Box::pin(async move {
            let deadline = inner.upstream.deadline();
            let (reply, _arrived) = inner.upstream.ask_at_length(&exchange?, deadline).await?;
            inner.result(reply, deadline).await
        })
    }
}

impl Inner {
    fn exchange(&self, params: &[Value]) -> Result<Exchange, Fault> {
        let Lines { send, then } = self.method.lines(params, self.encoding)?;
        let then = then.zip(self.method.then.as_ref());
        Ok(Exchange {
            send,
            reply: self.method.reply.clone(),
            then: then.map(|(send, question)| Then { send, ok: question.ok.clone() }),
            is_idempotent: self.method.is_idempotent,
            is_last: false,
        })
    }

    async fn result(self: &Arc<Self>, reply: Reply, deadline: Instant) -> Result<Value, Fault> {
        let charset = self.upstream.manner().charset;
        match reply {
            Reply::Absent => Ok(Value::Nil),
            Reply::Refused(text) => Err(Fault::application(charset.decode_lossy(&text))),
            Reply::Said(body) => {
                let _room = self.room_for_value(&body, deadline).await?;
                let (inner, length) = (self.clone(), body.as_bytes().len());
                let read = move || {
                    let value = inner.method.result.value(&body, charset);
                    value.map_err(|_| inner.misfit(&body))
                };
                aside(length, deadline, read).await?
            }
        }
    }

    /// What it takes to make a value of a long reply.
    async fn room_for_value(
        &self,
        body: &Body,
        deadline: Instant,
    ) -> Result<Option<Share>, Trouble> {
        if body.as_bytes().len() <= MAX_UNCOUNTED {
            return Ok(None);
        }
        let bytes = self.method.result.bytes(body);
        self.upstream.room_for_value(bytes, deadline).await.map(Some)
    }

    /// Tells of a reply that does not fit, by its size and not its text.
    fn misfit(&self, body: &Body) -> Fault {
        if let Some(times) = self.misfits.due() {
            let (upstream, method) = (self.upstream.name(), &self.method.name);
            let bytes = body.as_bytes().len();
            warn!(upstream, method, bytes, times, "a reply does not fit its method");
        }
        nonsense()
    }
}
