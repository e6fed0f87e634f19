use callbox::methods;

struct Orders(i64);

#[methods]
impl Orders {
    fn place(&mut self) -> i64 {
        self.0 += 1;
        self.0
    }

    fn end(self) -> i64 {
        self.0
    }
}

fn main() {}
