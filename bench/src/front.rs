//! What stands before other servers and forwards: the gateway, and nginx.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};
use std::{fs, io};

use crate::documents;
use crate::exchange::{body_of_answer, contains};
use crate::peers::{Peer, bench, nginx_serving, xmlrpc_words};
use crate::process::{self, Server};

/// Connections that a front may keep to each server behind it.
const CONNECTIONS: usize = 32;

/// The longest wait until the gateway has asked what it publishes.
const LIST_DEADLINE: Duration = Duration::from_secs(10);

/// A method of the text service, by the gateway.
pub const LINE_METHOD: &str = "text.hello";

/// `addition` of the XML-RPC service, by the gateway.
pub const FORWARDED_METHOD: &str = "sums.addition";

/// The servers that are forwarded to.
pub struct Behind {
    text: Server,
    xmlrpc: Server,
}

impl Behind {
    /// Starts them.
    pub fn start() -> io::Result<Behind> {
        Ok(Behind { text: Peer::Text.start(0)?, xmlrpc: Peer::XmlRpc.start(0)? })
    }
}

/// Starts the gateway before `behind`, and waits until it knows the methods there.
pub fn gateway(behind: &Behind) -> io::Result<Server> {
    let file = bench().join("target/gateway.toml");
    fs::write(&file, gateway_file(behind.text.addr, behind.xmlrpc.addr))?;
    let (addr, admin) = (process::free_addr()?, process::free_addr()?);
    let words = xmlrpc_words(&format!("--listen {addr}"), &admin.to_string());
    let words = format!("{words} --gateway {}", file.display());
    let server = start(Peer::XmlRpc, &words, [addr, admin])?;
    wait_for_list(addr)?;
    Ok(server)
}

fn gateway_file(text: SocketAddr, xmlrpc: SocketAddr) -> String {
    format!(
        r#"
[upstream.text]
kind = "line"
address = "{text}"
connections = {CONNECTIONS}

[method."{LINE_METHOD}"]
upstream = "text"
help = "What the text service says to hello."
send = "hello"

[upstream.sums]
kind = "xmlrpc"
url = "http://{xmlrpc}/"
connections = {CONNECTIONS}

[publish.sums]
prefix = "sums."
allow = ["addition"]
"#
    )
}

/// Starts nginx as a proxy before the XML-RPC service of `behind`.
pub fn nginx(behind: &Behind) -> io::Result<Server> {
    let (addr, upstream) = (process::free_addr()?, behind.xmlrpc.addr);
    let servers = format!(
        "upstream sums {{ server {upstream}; keepalive {CONNECTIONS}; keepalive_requests 1000000000; }}
           server {{ listen {addr}; location / {{
             proxy_pass http://sums; proxy_http_version 1.1;
             proxy_set_header Connection \"\"; proxy_set_header Host $http_host;
           }} }}"
    );
    start(Peer::Nginx, &nginx_serving(&servers)?, [addr, addr])
}

/// Starts the program of `peer`.
fn start(peer: Peer, words: &str, addrs: [SocketAddr; 2]) -> io::Result<Server> {
    let program = peer.program().ok_or_else(|| io::Error::other("not installed"))?;
    Server::start(&program, words.split(' ').map(str::to_owned).collect(), addrs)
}

fn wait_for_list(addr: SocketAddr) -> io::Result<()> {
    let deadline = Instant::now() + LIST_DEADLINE;
    while Instant::now() < deadline {
        let listed = body_of_answer(addr, &documents::call("system.listMethods"))?;
        if contains(&listed, FORWARDED_METHOD.as_bytes()) {
            return Ok(());
        }
        sleep(Duration::from_millis(20));
    }
    Err(io::Error::other("the gateway does not list what is behind it"))
}
