use callbox::methods;

struct Orders;

#[methods]
impl Orders {
    fn count(&self) -> i64 {
        1
    }

    #[method(name = "count")]
    fn number(&self) -> i64 {
        1
    }
}

fn main() {}
