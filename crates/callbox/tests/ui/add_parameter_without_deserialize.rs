use callbox::Registry;

struct Line {
    kind: String,
}

fn place(line: Line) -> String {
    line.kind
}

fn main() {
    let mut registry = Registry::new();
    registry.add("place", "", place);
}
