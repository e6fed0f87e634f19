use callbox::Registry;

fn count(kind: &str) -> usize {
    kind.len()
}

fn main() {
    let mut registry = Registry::new();
    registry.add("count", "", count);
    registry.add("count.closure", "", |kind: &str| kind.len());
}
