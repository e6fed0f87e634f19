use callbox::Registry;

struct Orders;

fn count(state: &String) -> usize {
    state.len()
}

fn main() {
    Registry::new().with(Orders).add("count", "", count);
}
