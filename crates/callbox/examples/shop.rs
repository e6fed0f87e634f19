//! A shop whose shelf is an SQLite database, which its methods wait for on threads of their own.

use callbox::{Fault, internal};
use rusqlite::{Connection, OptionalExtension as _};

/// Sells what is on its shelf, over XML-RPC
#[derive(clap::Parser)]
#[command(version)]
struct Options {
    /// The file of the database
    #[arg(long, env, default_value = "shop.db", value_name = "FILE")]
    database: std::path::PathBuf,
    #[command(flatten)]
    callbox: callbox::Settings,
}

struct Shop(std::sync::Mutex<Connection>);

#[callbox::methods(prefix = "shop")]
impl Shop {
    /// Puts an item on the shelf, for a price.
    #[method(blocking)]
    fn put(&self, item: String, price: f64) -> Result<usize, Fault> {
        let db = self.0.lock().map_err(internal)?;
        db.execute("REPLACE INTO shelf VALUES (?1, ?2)", (item, price)).map_err(internal)
    }

    /// What an item costs.
    #[method(blocking)]
    fn price(&self, item: String) -> Result<f64, Fault> {
        let db = self.0.lock().map_err(internal)?;
        let cost = db.query_row("SELECT price FROM shelf WHERE item = ?", [item], |row| row.get(0));
        cost.optional().map_err(internal)?.ok_or("no such item".into())
    }
}

fn main() -> std::process::ExitCode {
    let options: Options = callbox::parse();
    callbox::serve_with(&options.callbox, || {
        let db = Connection::open(&options.database)?;
        db.execute("CREATE TABLE IF NOT EXISTS shelf (item TEXT PRIMARY KEY, price REAL)", ())?;
        let mut registry = callbox::Registry::new();
        registry.add_methods(Shop(db.into()));
        Ok(registry)
    })
}
