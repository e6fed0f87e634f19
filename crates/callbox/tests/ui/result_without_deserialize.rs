use callbox::methods;

#[derive(serde::Serialize)]
struct Order {
    id: i64,
}

struct Orders;

#[methods]
impl Orders {
    fn find(&self, id: i64) -> Order {
        Order { id }
    }
}

fn main() {}
