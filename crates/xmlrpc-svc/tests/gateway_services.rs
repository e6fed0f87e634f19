//! Line services behind the gateway, called by XML-RPC: what they are sent, and what their replies
//! become.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use gateway::{Gateway, array, structure, texts};
use protocol::xmlrpc::{Fault, Value};
use support::{checked_metrics, value, wait_until};

/// A line service that keeps all bytes that reach it.
struct Service {
    addr: SocketAddr,
    heard: Arc<Mutex<Vec<u8>>>,
}

impl Service {
    /// Answers each line with `answer`'s bytes.
    fn start(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let service = Self { addr: listener.local_addr().unwrap(), heard: Arc::default() };
        let (heard, answer) = (service.heard.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (heard, answer) = (heard.clone(), answer.clone());
                thread::spawn(move || talk(stream, &heard, &*answer));
            }
        });
        service
    }

    fn heard(&self) -> String {
        String::from_utf8(std::mem::take(&mut *self.heard.lock().unwrap())).unwrap()
    }

    fn file(&self, keys: &str) -> String {
        let addr = self.addr;
        format!("[upstream.radio]\nkind = \"line\"\naddress = \"{addr}\"\n{keys}")
    }
}

fn talk(stream: TcpStream, heard: &Mutex<Vec<u8>>, answer: &dyn Fn(&str) -> String) {
    let mut reader = BufReader::new(stream);
    let mut line = Vec::new();
    while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
        heard.lock().unwrap().extend(&line);
        let text = String::from_utf8_lossy(&line).trim_end().to_owned();
        if reader.get_mut().write_all(answer(&text).as_bytes()).is_err() {
            return;
        }
        line.clear();
    }
}

const METHODS: &str = r#"
error = ["RPRT -"]
[method."radio.set_frequency"]
upstream = "radio"
help = "Tunes to a frequency in Hz."
params = [{ name = "hertz", type = "int", min = 0, max = 3000000000 }]
send = "+F {hertz}"
reply = { until = "RPRT" }
result = "none"
[method."radio.frequency"]
upstream = "radio"
send = "f"
result = "int"
[method."radio.modes"]
upstream = "radio"
send = "modes"
reply = "blank"
result = { array = "string" }
[method."radio.status"]
upstream = "radio"
send = "status"
reply = "count"
result = { struct = ":" }
[method."radio.level"]
upstream = "radio"
params = [{ name = "label", type = "string", quote = "double" }]
send = "level {label}"
result = { match = "is ([-0-9.]+) dB", type = "double" }
[method."radio.power"]
upstream = "radio"
params = [{ name = "on", type = "boolean", true = "1", false = "0" }]
send = "POW {on}"
reply = "none"
then = "ERR?"
ok = "0,"
"#;

fn answer(line: &str) -> String {
    match line {
        "+F 7" => "set_freq: 7\nRPRT 0\n".to_owned(),
        "f" => "145000000\n".to_owned(),
        "modes" => "AM\nFM\n\n".to_owned(),
        "status" => "2\nmode: FM\nlocked: no\n".to_owned(),
        "POW 1" => String::new(),
        "POW 0" => String::new(),
        "ERR?" => "0,\"No error\"\n".to_owned(),
        line if line.starts_with("level ") => "level is -3.5 dB\n".to_owned(),
        _ => "RPRT -1 <bad>\n".to_owned(),
    }
}

#[test]
fn line_methods_are_methods_like_others() {
    let service = Service::start(answer);
    let gateway = Gateway::start(&service.file(METHODS));
    let names = gateway.names();
    let ours: Vec<_> = names.iter().filter(|name| name.starts_with("radio.")).collect();
    assert_eq!(
        ours,
        [
            "radio.frequency",
            "radio.level",
            "radio.modes",
            "radio.power",
            "radio.set_frequency",
            "radio.status"
        ]
    );
    let about = |what: &str, name: &str| gateway.call(what, &[name.into()]).unwrap();
    let help = about("system.methodHelp", "radio.set_frequency");
    assert_eq!(help, "Tunes to a frequency in Hz.".into());
    let signature = about("system.methodSignature", "radio.set_frequency");
    assert_eq!(signature, array(vec![texts(&["nil", "i8"])]));
    assert_eq!(gateway.call("radio.set_frequency", &[7.into()]), Ok(Value::Nil));
    assert_eq!(gateway.call("radio.frequency", &[]), Ok(145_000_000.into()));
    assert_eq!(gateway.call("radio.modes", &[]), Ok(texts(&["AM", "FM"])));
    let status = structure(&[("mode", "FM".into()), ("locked", "no".into())]);
    assert_eq!(gateway.call("radio.status", &[]), Ok(status));
    assert_eq!(gateway.call("radio.level", &["a\"b".into()]), Ok((-3.5).into()));
    assert_eq!(gateway.call("radio.power", &[true.into()]), Ok(Value::Nil));
    let sent = "+F 7\nf\nmodes\nstatus\nlevel \"a\\\"b\"\nPOW 1\nERR?\n";
    assert_eq!(service.heard(), sent);
    let refused = gateway.call("radio.set_frequency", &[8.into()]);
    assert_eq!(refused, Err(Fault::new(-32500, "RPRT -1 <bad>")));
    let metrics = checked_metrics(gateway.process.addr("admin"));
    let ok = "callbox_upstream_requests_total{upstream=\"radio\",outcome=\"ok\"}";
    assert!(value(&metrics, ok) >= 7.0, "{metrics}");
}

#[test]
fn nothing_but_what_the_file_allows_reaches_the_wire() {
    let service = Service::start(answer);
    let gateway = Gateway::start(&service.file(METHODS));
    let refused: [(&str, &[Value], &str); 8] = [
        (
            "radio.set_frequency",
            &[3_000_000_001_i64.into()],
            "params[0] (hertz): expected at most 3000000000",
        ),
        ("radio.set_frequency", &["7".into()], "params[0] (hertz): expected int, found string"),
        ("radio.set_frequency", &[], "expected 1 parameter, found 0"),
        ("radio.frequency", &[1.into()], "expected 0 parameters, found 1"),
        (
            "radio.level",
            &["a\r\nPOW 1".into()],
            "params[0] (label): expected text without control characters",
        ),
        (
            "radio.level",
            &["a\u{7f}".into()],
            "params[0] (label): expected text without control characters",
        ),
        ("radio.level", &[vec![b'a'].into()], "params[0] (label): expected string, found base64"),
        ("radio.power", &[1.into()], "params[0] (on): expected boolean, found int"),
    ];
    for (name, params, message) in refused {
        assert_eq!(gateway.call(name, params), Err(Fault::new(-32602, message)), "{name}");
        assert_eq!(gateway.multicall(&[(name, params)]), [Err(-32602)], "{name}");
    }
    assert_eq!(service.heard(), "");
}

#[test]
fn question_afterwards_and_replies_that_do_not_fit_are_faults() {
    let service = Service::start(|line| match line {
        "ERR?" => "-113,\"Undefined header\"\n".to_owned(),
        "f" => "secret words\n".to_owned(),
        line => answer(line),
    });
    let gateway = Gateway::start(&service.file(METHODS));
    let refused = gateway.call("radio.power", &[true.into()]);
    assert_eq!(refused, Err(Fault::new(-32500, "-113,\"Undefined header\"")));
    let misfit = gateway.call("radio.frequency", &[]).unwrap_err();
    assert_eq!(misfit.code, -32300);
    assert!(!misfit.message.contains("secret"), "{misfit:?}");
    gateway.process.wait_for_log("a reply does not fit its method");
    assert!(!gateway.process.stderr().contains("secret"), "{}", gateway.process.stderr());
}

#[test]
fn line_methods_come_and_go_with_the_file() {
    let service = Service::start(answer);
    let gateway = Gateway::start(&service.file(METHODS));
    let other = "[method.frequency]\nupstream = \"radio\"\nsend = \"f\"\nresult = \"int\"\n";
    gateway.file.write(&service.file(other));
    gateway.hang_up();
    wait_until("the new file holds", || gateway.call("frequency", &[]).is_ok());
    assert_eq!(gateway.fault("radio.frequency", &[]), -32601);
}
