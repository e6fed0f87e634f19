//! Methods on a runtime of one's own, ready only while the database that they need answers.
//!
//! `cargo run -p callbox --example own_runtime -- 127.0.0.1:5022 127.0.0.1:5432`

use std::error::Error;

use callbox::{Check, Registry, Server};
use tokio::net::{TcpListener, TcpStream};

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let addr = args.next().unwrap_or_else(|| "127.0.0.1:5022".to_owned());
    let database = args.next().unwrap_or_else(|| "127.0.0.1:5432".to_owned());

    let mut registry = Registry::new();
    registry.add("twice", "A number doubled.", async |number: i32| number.checked_mul(2));

    // `GET /readyz` is 503 while this ends with an error.
    let check = Check::required("database", move || {
        let connecting = TcpStream::connect(database.clone());
        async { connecting.await.map(drop) }
    });

    let listener = TcpListener::bind(addr).await?;
    eprintln!("listening on {}", listener.local_addr()?);
    Server::new(registry).listener(listener).check(check).run(callbox::stop_signal()?).await?;
    Ok(())
}
