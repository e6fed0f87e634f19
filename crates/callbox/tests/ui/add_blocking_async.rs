use std::sync::Arc;

use callbox::Registry;

async fn count() -> i64 {
    1
}

fn main() {
    let mut registry = Registry::new();
    registry.add_blocking("count", "", count);
    registry.add_blocking("closure", "", async || 1);
    registry.with(()).add_blocking("state", "", async |_: Arc<()>| 1);
}
