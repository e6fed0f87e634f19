//! What callers see of what goes wrong: every `Err` is a fault, and each says which.

use std::io;
use std::process::ExitCode;

use callbox::{Fault, Registry, methods};

/// Why an order is not taken.
enum OrderError {
    SoldOut(String),
    TooMany { most: u32 },
    Ledger(io::Error),
}

/// Programs go by the code, people by the text. Codes of one's own are any outside -32768 to -32000.
impl From<OrderError> for Fault {
    fn from(error: OrderError) -> Fault {
        match error {
            OrderError::SoldOut(item) => Fault::new(101, format!("{item} is sold out")),
            OrderError::TooMany { most } => Fault::new(102, format!("at most {most} at once")),
            // Its text names a file: that is for the log. Callers see fault -32603, "internal error".
            OrderError::Ledger(error) => callbox::internal(format!("the ledger: {error}")),
        }
    }
}

impl From<io::Error> for OrderError {
    fn from(error: io::Error) -> Self {
        Self::Ledger(error)
    }
}

/// The most of an item in an order.
const MOST: u32 = 10;

struct Orders {
    ledger: &'static str,
}

#[methods(prefix = "orders")]
impl Orders {
    /// Orders so many of an item; returns the order's number.
    #[method(blocking)]
    fn place(&self, item: String, count: u32) -> Result<usize, OrderError> {
        if item != "tea" {
            return Err(OrderError::SoldOut(item));
        }
        if count > MOST {
            return Err(OrderError::TooMany { most: MOST });
        }
        Ok(std::fs::read_to_string(self.ledger)?.lines().count())
    }

    /// The price in an offer. An error that is to be shown as it is, is said to be.
    fn price(offer: String) -> Result<f64, Fault> {
        offer.parse().map_err(Fault::from_error)
    }

    /// The number in an order's name. A text is fault -32500.
    fn number(name: String) -> Result<u32, String> {
        let number = name.strip_prefix("order-").and_then(|number| number.parse().ok());
        number.ok_or_else(|| format!("{name} is no order's name"))
    }

    /// Cancels an order, if what it depends on is up: fault -32400.
    fn cancel(_number: u32) -> Result<(), Fault> {
        Err(Fault::system("the office is closed"))
    }
}

fn main() -> ExitCode {
    let mut registry = Registry::new();
    registry.add_methods(Orders { ledger: "/no/such/ledger" });
    callbox::serve(registry)
}
