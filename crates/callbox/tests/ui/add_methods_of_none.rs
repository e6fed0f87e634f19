use callbox::Registry;

struct Orders;

fn main() {
    Registry::new().add_methods(Orders);
}
