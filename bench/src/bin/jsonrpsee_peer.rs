//! The peer jsonrpsee, with the method that is measured.

use jsonrpsee::RpcModule;
use jsonrpsee::server::{Server, ServerConfig};
use jsonrpsee::types::ErrorObjectOwned;

#[tokio::main]
async fn main() {
    let port: u16 = std::env::args().nth(1).and_then(|port| port.parse().ok()).expect("PORT");
    let mut module = RpcModule::new(());
    let addition = module.register_method("addition", |params, _, _| {
        let (a, b): (i64, i64) = params.parse()?;
        Ok::<_, ErrorObjectOwned>(a + b)
    });
    addition.expect("the name is free");
    let config = ServerConfig::builder().http_only().build();
    let server = Server::builder().set_config(config).build(("127.0.0.1", port)).await;
    server.expect("the port is free").start(module).stopped().await;
}
