//! What must compile, without a warning.
#![deny(warnings)]

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use callbox::{Caller, Fault, Registry, Reply, methods};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize, Reply)]
struct Page<T> {
    items: Vec<T>,
}

#[derive(Serialize, Deserialize, Reply)]
enum Kind {
    Tea,
    Milk(f64),
}

#[derive(Serialize, Deserialize)]
struct Refusal;

impl From<Refusal> for Fault {
    fn from(_: Refusal) -> Self {
        Self::new(7, "full")
    }
}

struct Orders<T>(T);

#[methods(prefix = "orders")]
impl<T> Orders<T>
where
    T: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    pub fn first(&self, _caller: &Caller) -> T {
        self.0.clone()
    }

    async fn list(self: Arc<Self>, mut page: Page<T>, _: Caller) -> Result<Page<T>, Refusal> {
        page.items.push(self.0.clone());
        Ok(page)
    }

    #[method(blocking)]
    fn read(path: String) -> Result<String, Fault> {
        io::read_to_string(io::empty()).map_err(|error| Fault::application(format!("{path}: {error}")))
    }

    #[must_use]
    #[method(name = "kinds")]
    const fn r#type(value: bool) -> Option<Kind> {
        if value { Some(Kind::Tea) } else { Some(Kind::Milk(0.5)) }
    }

    #[cfg(any())]
    fn never(&self) -> Nothing {}

    #[deprecated]
    fn old(this: String, caller: i64, value_0: i64) -> String {
        format!("{this}{caller}{value_0}")
    }

    #[method(skip)]
    pub fn of<'a>(&'a mut self, _: &'a str) -> &'a mut T {
        &mut self.0
    }
}

async fn state(state: &HashMap<String, i64>, name: String) -> Result<i64, String> {
    state.get(&name).copied().ok_or(format!("no {name}"))
}

fn main() {
    let mut registry = Registry::new();
    _ = Orders(1).of("x");
    registry.add_methods(Orders("x".to_owned()));
    registry.add("page", "", |kind: Kind| Page { items: vec![kind] });
    registry.add("caller", "", |caller: &Caller, a: i64| format!("{a} {}", caller.peer()));
    registry.add("reply", "", async || Ok::<_, Fault>(serde_bytes::ByteBuf::new()));
    registry.with(HashMap::new()).add("state", "", state).names(["name"]);
    assert_eq!(registry.check(), Ok(()));
}
