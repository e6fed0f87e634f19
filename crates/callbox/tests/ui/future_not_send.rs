use std::rc::Rc;

use callbox::methods;

struct Orders;

#[methods]
impl Orders {
    async fn count(&self) -> usize {
        let kept = Rc::new(1);
        std::future::ready(()).await;
        *kept
    }
}

fn main() {}
