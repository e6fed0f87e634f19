use callbox::methods;

struct Orders;

#[methods]
impl Orders {
    fn count(&self, kind: &str) -> usize {
        kind.len()
    }

    fn sum(&self, numbers: &[i64], more: Option<&i64>) -> i64 {
        numbers.iter().chain(more).sum()
    }
}

fn main() {}
