//! A handler that notes what it is asked, and does what the name says that it is called by.
#![allow(dead_code)]

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Mutex};

use callbox::{Array, Awaited, Caller, CatalogMethod, CatalogPattern, Fault, Handler, Value};
use tokio::sync::Semaphore;

/// A handler that notes what it is asked.
#[derive(Clone)]
pub(crate) struct Probe(Arc<Inner>);

pub(crate) struct Inner {
    together: AtomicBool,
    /// The names of each question, in order.
    asked: Mutex<Vec<Vec<String>>>,
    /// `hold` waits for it.
    gate: Arc<Semaphore>,
}

impl Probe {
    pub(crate) fn new(together: bool) -> Self {
        let gate = Arc::new(Semaphore::new(0));
        Self(Arc::new(Inner { together: together.into(), asked: Mutex::default(), gate }))
    }

    /// Itself as a handler, which is the same each time.
    pub(crate) fn handler(&self) -> Arc<dyn Handler> {
        self.0.clone()
    }

    pub(crate) fn method(&self, name: &str) -> CatalogMethod {
        CatalogMethod::new(name, format!("Does {name}."), self.handler())
    }

    pub(crate) fn methods(&self, names: &[&str]) -> Vec<CatalogMethod> {
        names.iter().map(|name| self.method(name)).collect()
    }

    /// All names that begin like this.
    pub(crate) fn pattern(&self, beginning: &'static str) -> CatalogPattern {
        let fits = move |name: &str| name.starts_with(beginning);
        CatalogPattern::new(format!("{beginning}*"), fits, self.handler())
    }

    /// What was asked since this was called last.
    pub(crate) fn asked(&self) -> Vec<Vec<String>> {
        std::mem::take(&mut self.0.asked.lock().unwrap())
    }

    /// Lets one `hold` go.
    pub(crate) fn open(&self) {
        self.0.gate.add_permits(1);
    }
}

impl Inner {
    fn note(&self, names: Vec<String>) {
        self.asked.lock().unwrap().push(names);
    }
}

impl Handler for Inner {
    fn call(
        &self,
        name: &str,
        params: Vec<Value>,
        _caller: &Caller,
    ) -> Awaited<Result<Value, Fault>> {
        self.note(vec![name.to_owned()]);
        if name.ends_with("panic") {
            panic!("as it was told");
        }
        let (name, gate) = (name.to_owned(), self.gate.clone());
        Box::pin(async move {
            if name.ends_with("hold") {
                gate.acquire().await.unwrap().forget();
            }
            answer(&name, params).await
        })
    }

    fn asks_together(&self) -> bool {
        self.together.load(Relaxed)
    }

    fn call_together(
        &self,
        calls: Vec<(String, Vec<Value>)>,
        _caller: &Caller,
    ) -> Awaited<Vec<Result<Value, Fault>>> {
        self.note(calls.iter().map(|(name, _)| name.clone()).collect());
        let is_asked = |what: &str| calls.iter().any(|(name, _)| name.ends_with(what));
        assert!(!is_asked("panic"), "as it was told");
        let (fewer, more) = (is_asked("fewer"), is_asked("more"));
        Box::pin(async move {
            let mut results = Vec::new();
            for (name, params) in calls {
                results.push(answer(&name, params).await);
            }
            if fewer {
                results.pop();
            }
            if more {
                results.push(Ok(Value::Nil));
            }
            results
        })
    }
}

async fn answer(name: &str, mut params: Vec<Value>) -> Result<Value, Fault> {
    match name.rsplit('.').next().unwrap_or_default() {
        "refuse" => Err(Fault::new(7, "no")),
        "nan" => Ok(f64::NAN.into()),
        // As deep as a value can be that is no entry of a multicall.
        "deep" => {
            Ok((0..255).fold(Value::Nil, |inner, _| Array::try_from(vec![inner]).unwrap().into()))
        }
        "large" => Ok("x".repeat(6 * 1024 * 1024).into()),
        "later_panic" => panic!("as it was told"),
        "forever" => std::future::pending().await,
        _ => {
            params.insert(0, name.into());
            Ok(Array::try_from(params).unwrap().into())
        }
    }
}
