use callbox::methods;

struct Orders;

#[methods]
impl Orders {
    fn count<T: Into<String>>(&self, kind: T) -> usize {
        kind.into().len()
    }
}

fn main() {}
