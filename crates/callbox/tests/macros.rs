//! Methods of `impl` blocks: their names, help, parameters and results, and that nothing else is
//! reachable.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use callbox::{Caller, Registry, Struct, Value, code, methods};
use edge::{DEFAULTS, array, ask, start};
use serde::{Deserialize, Serialize};

#[derive(Default)]
struct Orders {
    count: AtomicI64,
}

/// A result that nobody derived `Reply` for.
#[derive(Serialize, Deserialize)]
struct Order {
    id: i64,
    note: Option<String>,
}

#[methods(prefix = "orders")]
impl Orders {
    /// How many orders there are.
    ///
    ///  - of all kinds
    fn count(&self) -> i64 {
        self.count.load(Ordering::Relaxed)
    }

    /// Places an order.
    async fn place(&self, kind: String, id: Option<i64>) -> Result<Order, String> {
        self.count.fetch_add(1, Ordering::Relaxed);
        match kind.as_str() {
            "tea" => Ok(Order { id: id.unwrap_or(-1), note: None }),
            _ => Err(format!("no {kind}")),
        }
    }

    async fn find(self: Arc<Self>, id: i64) -> Order {
        Order { id, note: Some(self.count().to_string()) }
    }

    #[method(blocking)]
    fn report(&self) -> Vec<Order> {
        (0..self.count()).map(|id| Order { id, note: None }).collect()
    }

    #[method(blocking, name = "archive.size")]
    fn archived(self: Arc<Self>) -> BTreeMap<String, Order> {
        BTreeMap::from([("old".to_owned(), Order { id: 1, note: None })])
    }

    #[method(name = "sum")]
    fn total(a: i64, b: i64) -> i64 {
        a + b
    }

    fn r#type() -> &'static str {
        "orders"
    }

    #[method(blocking)]
    fn free() -> bool {
        true
    }

    async fn nothing(&self) {}

    #[method(skip)]
    fn secret(&self) -> i64 {
        self.count()
    }

    #[method(skip)]
    fn _helper<T>(&mut self, _: &T) -> Option<&i64> {
        None
    }

    const LIMIT: i64 = 3;
}

impl Orders {
    fn unmarked(&self) -> i64 {
        self.secret() + Self::LIMIT
    }
}

fn object(members: impl IntoIterator<Item = (&'static str, Value)>) -> Value {
    let members = members.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    Struct::from_members(members).unwrap().into()
}

fn order(id: i64, note: Option<&str>) -> Value {
    object([("id", id.into()), ("note", note.map_or(Value::Nil, Value::from))])
}

const ID: &str = "<int>7</int>";

#[tokio::test]
async fn functions_of_every_kind_are_called() {
    let mut registry = Registry::new();
    registry.add_methods(Orders::default());
    let addr = start(registry, DEFAULTS).await;
    let rows: [(&str, &[&str], Value); 10] = [
        ("orders.count", &[], 0.into()),
        ("orders.place", &["tea"], order(-1, None)),
        ("orders.place", &["tea", ID], order(7, None)),
        ("orders.find", &[ID], order(7, Some("2"))),
        ("orders.report", &[], array([order(0, None), order(1, None)])),
        ("orders.archive.size", &[], object([("old", order(1, None))])),
        ("orders.sum", &[ID, ID], 14.into()),
        ("orders.type", &[], "orders".into()),
        ("orders.free", &[], true.into()),
        ("orders.nothing", &[], Value::Nil),
    ];
    for (method, params, expected) in rows {
        assert_eq!(ask(addr, method, params).await, Ok(expected), "{method}{params:?}");
    }
    let refused = Err((code::APPLICATION_ERROR, "no milk".to_owned()));
    assert_eq!(ask(addr, "orders.place", &["milk"]).await, refused);
}

#[tokio::test]
async fn nothing_is_reachable_that_is_not_marked() {
    assert_eq!(Orders::default().unmarked(), 3);
    let mut registry = Registry::new();
    registry.add_methods(Orders::default());
    let addr = start(registry, DEFAULTS).await;
    for name in [
        "orders.secret",
        "orders._helper",
        "orders.unmarked",
        "orders.total",
        "orders.archived",
        "orders.r#type",
        "orders.LIMIT",
        "orders.__class__",
        "orders.count.__call__",
        "orders.count.x",
        "orders.count.",
        ".orders.count",
        "Orders.count",
        "ORDERS.COUNT",
        "Orders::count",
        "orders/count",
        "orders",
        "orders.",
        "count",
        "__init__",
        "publish",
        "orders.publish",
        "orders.clone",
        "orders.drop",
    ] {
        let expected = Err((code::METHOD_NOT_FOUND, format!("no such method: {name}")));
        assert_eq!(ask(addr, name, &[]).await, expected);
    }
}

#[tokio::test]
async fn names_help_and_signatures_are_told() {
    let mut registry = Registry::new();
    registry.add_methods(Orders::default());
    let addr = start(registry, DEFAULTS).await;
    let names = ask(addr, "system.listMethods", &[]).await.unwrap();
    let names = names.as_array().unwrap().as_slice().iter();
    let names: Vec<_> = names.filter_map(Value::as_str).collect();
    let own: Vec<_> = names.into_iter().filter(|name| !name.starts_with("system.")).collect();
    let expected = ["archive.size", "count", "find", "free", "nothing", "place", "report", "sum"];
    let expected: Vec<_> = expected
        .iter()
        .map(|name| format!("orders.{name}"))
        .chain(["orders.type".into()])
        .collect();
    assert_eq!(own, expected);
    for (method, help) in [
        ("orders.count", "How many orders there are.\n\n - of all kinds"),
        ("orders.place", "Places an order."),
        ("orders.find", ""),
    ] {
        assert_eq!(ask(addr, "system.methodHelp", &[method]).await, Ok(help.into()), "{method}");
    }
    let rows: [(&str, &[&[&str]]); 5] = [
        ("orders.count", &[&["int"], &["i8"]]),
        (
            "orders.place",
            &[&["struct", "string"], &["struct", "string", "int"], &["struct", "string", "i8"]],
        ),
        ("orders.report", &[&["array"]]),
        ("orders.archive.size", &[&["struct"]]),
        ("orders.nothing", &[&["nil"]]),
    ];
    for (method, signatures) in rows {
        let expected = array(signatures.iter().map(|names| array(names.iter().copied())));
        assert_eq!(ask(addr, "system.methodSignature", &[method]).await, Ok(expected), "{method}");
    }
}

#[test]
fn parameters_keep_their_names_and_callers_are_none() {
    let mut registry = Registry::new();
    registry.add_methods(Orders::default()).add_methods(Callers);
    let names = |method: &str| {
        let method = registry.methods().find(|found| found.name() == method).unwrap();
        method.parameter_names().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names("orders.place"), "kind id");
    assert_eq!(names("orders.sum"), "a b");
    assert_eq!(names("orders.count"), "");
    assert_eq!(names("middle"), "a b");
    assert_eq!(names("last"), "a b");
    assert_eq!(registry.check(), Ok(()));
}

/// Methods without a prefix that see who calls.
struct Callers;

fn told(caller: &Caller, a: i64, b: i64) -> String {
    format!("{} {}", caller.request_id(), a - b)
}

#[methods]
impl Callers {
    fn first(&self, caller: &Caller, a: i64, b: i64) -> String {
        told(caller, a, b)
    }

    fn middle(a: i64, caller: Caller, b: i64) -> String {
        told(&caller, a, b)
    }

    fn last(&self, a: i64, b: i64, caller: &callbox::Caller) -> String {
        told(caller, a, b)
    }

    async fn later_first(&self, caller: &Caller, a: i64, b: i64) -> String {
        tokio::task::yield_now().await;
        told(caller, a, b)
    }

    async fn later_middle(self: Arc<Self>, a: i64, caller: Caller, b: i64) -> String {
        told(&caller, a, b)
    }

    async fn later_last(a: i64, b: i64, _caller: &Caller) -> String {
        tokio::task::yield_now().await;
        told(_caller, a, b)
    }

    #[allow(clippy::too_many_arguments)]
    async fn most(
        &self,
        caller: &Caller,
        a: i64,
        b: i64,
        c: u8,
        d: u8,
        e: u8,
        f: u8,
        g: u8,
        h: u8,
    ) -> String {
        assert_eq!(c + d + e + f + g + h, 42);
        told(caller, a, b)
    }

    #[method(blocking)]
    fn aside_first(caller: Caller, a: i64, b: i64) -> String {
        told(&caller, a, b)
    }

    #[method(blocking)]
    fn aside_middle(self: Arc<Self>, a: i64, caller: &Caller, b: i64) -> String {
        told(caller, a, b)
    }

    #[method(blocking)]
    fn aside_last(&self, a: i64, b: i64, caller: &Caller) -> String {
        told(caller, a, b)
    }
}

#[tokio::test]
async fn caller_stands_anywhere_and_no_peer_sends_it() {
    let mut registry = Registry::new();
    registry.add_methods(Callers);
    let addr = start(registry, DEFAULTS).await;
    for kind in ["", "later_", "aside_"] {
        for place in ["first", "middle", "last"] {
            let method = format!("{kind}{place}");
            let call = edge::call(&method, &["<int>5</int>", "<int>3</int>"]);
            let request = edge::post("/", "X-Request-Id: abc\r\n", &call);
            let result = edge::exchange(addr, &request).await.result();
            assert_eq!(result, Ok("abc 2".into()), "{method}");
        }
    }
    let eight = [&["<int>5</int>", "<int>3</int>"][..], &[ID; 6]].concat();
    let request = edge::post("/", "X-Request-Id: abc\r\n", &edge::call("most", &eight));
    assert_eq!(edge::exchange(addr, &request).await.result(), Ok("abc 2".into()));
}

/// A type of one's own with parameters of its own.
struct Store<T> {
    value: T,
}

#[methods(prefix = "store")]
impl<T> Store<T>
where
    T: Serialize + for<'de> Deserialize<'de> + Clone + Send + Sync + 'static,
{
    fn get(&self) -> T {
        self.value.clone()
    }

    async fn echo(&self, value: T) -> Result<T, String> {
        Ok(value)
    }
}

#[tokio::test]
async fn objects_are_published_beside_each_other_and_shared() {
    let orders = Arc::new(Orders::default());
    let mut registry = Registry::new();
    registry.add_methods(Arc::clone(&orders)).add_methods(Store { value: vec![1] });
    registry.with_shared(Arc::clone(&orders)).add("raise", "", |orders: &Orders, by: i64| {
        orders.count.fetch_add(by, Ordering::Relaxed) + by
    });
    let addr = start(registry, DEFAULTS).await;
    assert_eq!(ask(addr, "raise", &[ID]).await, Ok(7.into()));
    assert_eq!(ask(addr, "orders.count", &[]).await, Ok(7.into()));
    assert_eq!(orders.count(), 7);
    assert_eq!(ask(addr, "store.get", &[]).await, Ok(array([1])));
    let list = "<array><data><value><int>2</int></value></data></array>";
    assert_eq!(ask(addr, "store.echo", &[list]).await, Ok(array([2])));
}
