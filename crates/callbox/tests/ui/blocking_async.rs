use callbox::methods;

struct Orders;

#[methods]
impl Orders {
    #[method(blocking)]
    async fn count(&self) -> i64 {
        1
    }
}

fn main() {}
