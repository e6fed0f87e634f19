use callbox::methods;

struct Orders;

#[methods(name = "orders")]
impl Orders {
    #[method(rename = "sum")]
    fn total(&self) -> i64 {
        1
    }

    #[method(name = 1)]
    fn count(&self) -> i64 {
        1
    }
}

fn main() {}
