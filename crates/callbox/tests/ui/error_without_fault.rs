use std::error::Error;

use callbox::methods;
use serde::{Deserialize, Serialize};

/// Read and written by serde, so that it could be a value.
#[derive(Debug, Serialize, Deserialize)]
enum Trouble {
    SoldOut,
}

type Res<T> = Result<T, Trouble>;

struct Orders;

#[methods]
impl Orders {
    fn place(&self) -> Result<i64, Trouble> {
        Err(Trouble::SoldOut)
    }

    async fn aliased(&self) -> Res<i64> {
        Err(Trouble::SoldOut)
    }

    fn boxed(&self) -> Result<i64, Box<dyn Error + Send + Sync>> {
        Err("boom".into())
    }

    #[method(blocking)]
    fn read(&self) -> std::io::Result<String> {
        std::fs::read_to_string("orders")
    }

    fn nothing(&self) -> Result<i64, ()> {
        Err(())
    }
}

fn main() {}
