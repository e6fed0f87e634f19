use callbox::Registry;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
struct Order {
    id: i64,
}

fn find(id: i64) -> Order {
    Order { id }
}

fn main() {
    let mut registry = Registry::new();
    registry.add("find", "", find);
    registry.add("find.closure", "", |id: i64| Order { id });
}
