//! What upstreams answer takes no more memory than there is for it, and others go on meanwhile.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;

use gateway::{Gateway, GatewayFile, array, ok, read_request};
use protocol::xmlrpc::{Fault, Limits, Value, decode_call, encode_response};
use support::{get, value, wait_until};

/// More than half of what there is for answers as they come.
const LARGE: usize = 2 << 20;

/// Without answers, a test's build takes some 20 MB.
const MAX_MEMORY: usize = 56 << 20;

const CALLS: usize = 40;

/// Closed, until the test opens it.
#[derive(Default)]
struct Gate(Mutex<bool>, Condvar);

impl Gate {
    fn open(&self) {
        *self.0.lock().unwrap() = true;
        self.1.notify_all();
    }

    fn pass(&self) {
        drop(self.1.wait_while(self.0.lock().unwrap(), |is_open| !*is_open).unwrap());
    }
}

/// Servers with large answers, whose last byte waits at a gate.
struct Servers {
    xmlrpc: SocketAddr,
    line: SocketAddr,
    gate: Arc<Gate>,
}

impl Servers {
    fn start() -> Self {
        let gate = Arc::<Gate>::default();
        let (xmlrpc, line) = (serve(&gate, talk), serve(&gate, talk_in_lines));
        Self { xmlrpc, line, gate }
    }

    /// A service that has little memory, with these behind it.
    fn gateway(&self) -> Gateway {
        let Self { xmlrpc, line, .. } = self;
        let limits = format!("timeout = \"20s\"\nconnections = {CALLS}");
        let file = format!(
            r#"
            [upstream.up]
            kind = "xmlrpc"
            url = "http://{xmlrpc}"
            {limits}
            [publish.up]
            prefix = "up."
            allow = ["text", "numbers", "small"]
            [upstream.line]
            kind = "line"
            address = "{line}"
            max_reply_bytes = "8MiB"
            {limits}
            [method."line.text"]
            upstream = "line"
            send = "text"
            [method."line.numbers"]
            upstream = "line"
            send = "numbers"
            result = {{ array = "int", separator = "," }}
            [method."line.small"]
            upstream = "line"
            send = "small"
            "#
        );
        Gateway::start_with(GatewayFile::new(&file), &["--max-memory", "64MiB"])
    }
}

fn serve(gate: &Arc<Gate>, talk: fn(TcpStream, &Gate)) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (addr, gate) = (listener.local_addr().unwrap(), gate.clone());
    thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            let gate = gate.clone();
            thread::spawn(move || talk(stream, &gate));
        }
    });
    addr
}

fn talk(stream: TcpStream, gate: &Gate) {
    let mut reader = BufReader::new(stream);
    while let Some((_, body)) = read_request(&mut reader) {
        let call = decode_call(&body, None, &Limits::DEFAULT).unwrap();
        let answer = match &*call.name {
            "text" => "x".repeat(LARGE).into(),
            "numbers" => array(vec![1.into(); LARGE / 40]),
            name => Value::from(name),
        };
        say(reader.get_mut(), &ok("text/xml", &encode_response(&answer).unwrap()), gate);
    }
}

fn talk_in_lines(stream: TcpStream, gate: &Gate) {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    while reader.read_line(&mut line).is_ok_and(|read| read > 0) {
        let answer = match line.trim_end() {
            "text" => "x".repeat(LARGE),
            "numbers" => "1,".repeat(LARGE / 2) + "1",
            name => name.to_owned(),
        };
        say(reader.get_mut(), format!("{answer}\n").as_bytes(), gate);
        line.clear();
    }
}

fn say(stream: &mut TcpStream, answer: &[u8], gate: &Gate) {
    let (last, rest) = answer.split_last().unwrap();
    let _ = stream.write_all(rest);
    if rest.len() > LARGE / 2 {
        gate.pass();
    }
    let _ = stream.write_all(&[*last]);
}

/// Calls all at once; what they end with comes as they do.
fn call_at_once(gateway: &Arc<Gateway>, name: &'static str) -> Receiver<Result<Value, Fault>> {
    let (sender, results) = channel();
    for _ in 0..CALLS {
        let (gateway, sender) = (gateway.clone(), sender.clone());
        thread::spawn(move || sender.send(gateway.call(name, &[])));
    }
    results
}

fn no_memory() -> Fault {
    Fault::new(-32400, "there is no memory for the answer of the upstream service")
}

/// Many large answers of one upstream at once: most find no memory, and others go on.
#[track_caller]
fn check(large: &'static str) {
    let servers = Servers::start();
    let gateway = Arc::new(servers.gateway());
    let results = call_at_once(&gateway, large);
    assert_eq!(results.recv().unwrap(), Err(no_memory()));
    for name in ["up.small", "line.small"] {
        assert_eq!(gateway.call(name, &[]), Ok("small".into()));
    }
    assert_eq!(gateway.call("addition", &[2.into(), 3.into()]), Ok(5.into()));
    servers.gate.open();
    let results: Vec<_> = results.iter().collect();
    let made = results.iter().filter(|result| result.is_ok()).count();
    let refused = results.iter().filter(|result| **result == Err(no_memory())).count();
    assert!(made > 0 && made + refused == CALLS - 1, "{made} and {refused}");
    let peak = gateway.process.peak_memory();
    assert!(peak < MAX_MEMORY, "{peak} bytes at the peak");
    gateway.process.wait_for_log("no memory for the answers of upstream services");

    // All of it was given back.
    let taken = |budget: &str| {
        let metrics = get(gateway.process.addr("admin"), "/metrics").1;
        value(&metrics, &format!("callbox_upstream_answers_bytes{{budget=\"{budget}\"}}"))
    };
    wait_until("nothing is taken", || taken("arriving") + taken("reading") == 0.0);
    for name in ["up.text", "line.text"] {
        let text = gateway.call(name, &[]).unwrap();
        assert!(text.as_str() == Some(&*"x".repeat(LARGE)), "{name}");
    }
}

#[test]
fn answers_of_servers_take_no_more_memory_than_there_is_and_others_go_on() {
    check("up.text");
}

#[test]
fn replies_in_lines_take_no_more_memory_than_there_is_and_others_go_on() {
    check("line.text");
}

#[test]
fn answer_that_takes_too_much_to_be_read_is_a_fault() {
    let servers = Servers::start();
    servers.gate.open();
    let gateway = servers.gateway();
    for upstream in ["up", "line"] {
        for _ in 0..3 {
            assert_eq!(gateway.call(&format!("{upstream}.numbers"), &[]), Err(no_memory()));
            assert!(gateway.call(&format!("{upstream}.text"), &[]).is_ok());
        }
    }
}
