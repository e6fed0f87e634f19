use std::error::Error;

use callbox::Registry;
use serde::{Deserialize, Serialize};

#[derive(Serialize, Deserialize)]
enum Trouble {
    SoldOut,
}

fn boxed() -> Result<i64, Box<dyn Error>> {
    Err("boom".into())
}

fn main() {
    let mut registry = Registry::new();
    registry.add("place", "", || Err::<i64, _>(Trouble::SoldOut));
    registry.add("boxed", "", boxed);
    registry.with(()).add("later", "", async |_: std::sync::Arc<()>| Err::<i64, _>(Trouble::SoldOut));
}
