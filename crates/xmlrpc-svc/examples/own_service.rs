//! A service of one's own: a shop that is called over XML-RPC.
//!
//! `cargo run -p xmlrpc-svc --example own_service`, then in Python:
//! `xmlrpc.client.ServerProxy("http://localhost:5022").shop.put({"name": "tea", "price": 2.5})`

use std::collections::BTreeMap;
use std::process::ExitCode;

use callbox::Registry;
use callbox::serve;
use protocol::xmlrpc::Fault;
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

#[derive(Clone, Serialize, Deserialize)]
struct Item {
    name: String,
    price: f64,
}

/// What the methods share.
struct Shop(Mutex<BTreeMap<String, Item>>);

static SHOP: Shop = Shop(Mutex::const_new(BTreeMap::new()));

impl Shop {
    async fn put(&self, item: Item) -> usize {
        let mut items = self.0.lock().await;
        items.insert(item.name.clone(), item);
        items.len()
    }

    async fn find(&self, name: String) -> Result<Item, Fault> {
        self.0.lock().await.get(&name).cloned().ok_or_else(|| Fault::application("no such item"))
    }

    fn total(&self, price: f64, count: u32) -> f64 {
        price * f64::from(count)
    }
}

fn main() -> ExitCode {
    let mut shop = Registry::new();
    shop.add("shop.put", "Puts an item on the shelf; returns how many there are.", |item| {
        SHOP.put(item)
    });
    shop.add("shop.find", "The item of that name.", |name| SHOP.find(name));
    shop.add("shop.total", "The price of so many.", |price, count| SHOP.total(price, count));
    serve(shop)
}
