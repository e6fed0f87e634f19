use callbox::{Fault, methods};

struct Order {
    id: i64,
}

struct Orders;

#[methods]
impl Orders {
    fn find(&self, id: i64) -> Order {
        Order { id }
    }

    async fn try_find(&self, id: i64) -> Result<Order, Fault> {
        Ok(Order { id })
    }
}

fn main() {
    let Order { id: _ } = Orders.find(1);
}
