use callbox::methods;

struct Line {
    kind: String,
}

struct Orders;

#[methods]
impl Orders {
    fn place(&self, line: Line) -> String {
        line.kind
    }

    async fn place_all(&self, lines: Vec<Line>) -> usize {
        lines.len()
    }
}

fn main() {}
