use callbox::methods;

struct Orders;

#[methods(prefix = "orders")]
impl Orders {
    fn count(&self) -> i64 {
        1
    }
}

#[methods(prefix = "stock")]
impl Orders {
    fn sum(&self) -> i64 {
        1
    }
}

fn main() {}
