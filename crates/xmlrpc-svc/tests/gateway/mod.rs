//! A service with a gateway file, and an XML-RPC server behind it that does as it is told.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use callbox_client::ErrorKind;
use callbox_client::blocking::Client;
use protocol::xmlrpc::{
    Array, Fault, Limits, MethodCall, MethodResponse, Struct, Value, decode_call, decode_response,
    encode_call, encode_fault, encode_response,
};

use crate::support::{PATIENCE, Process, wait_until};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");

/// A service with a gateway file.
pub(crate) struct Gateway {
    pub(crate) process: Process,
    pub(crate) addr: SocketAddr,
    pub(crate) file: GatewayFile,
}

impl Gateway {
    pub(crate) fn start(text: &str) -> Self {
        Self::start_with(GatewayFile::new(text), &[])
    }

    pub(crate) fn start_with(file: GatewayFile, args: &[&str]) -> Self {
        let ports = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];
        let gateway = ["--gateway", file.0.to_str().unwrap()];
        let process = Process::start(BINARY, &[&ports[..], &gateway, args].concat(), &[], 2);
        let addr = process.addr("xmlrpc");
        Self { process, addr, file }
    }

    #[track_caller]
    pub(crate) fn call(&self, name: &str, params: &[Value]) -> Result<Value, Fault> {
        let client = Client::new(&format!("http://{}", self.addr)).unwrap();
        client.call(name, params.to_vec()).map_err(|error| match error.into_kind() {
            ErrorKind::Fault(fault) => fault,
            other => panic!("{name}: {other}"),
        })
    }

    /// Calls with more `headers`, each with its line end.
    pub(crate) fn call_with(
        &self,
        headers: &str,
        name: &str,
        params: &[Value],
    ) -> Result<Value, Fault> {
        let body = encode_call(&MethodCall::new(name, params.to_vec())).unwrap();
        let mut stream = TcpStream::connect(self.addr).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let length = body.len();
        let head = format!(
            "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{headers}Content-Length: {length}\r\n\r\n"
        );
        stream.write_all(&[head.as_bytes(), &body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
        assert!(answer.starts_with(b"HTTP/1.1 200 "), "{}", String::from_utf8_lossy(&answer));
        match decode_response(&answer[end..], None, &Limits::DEFAULT).unwrap() {
            MethodResponse::Success(value) => Ok(value),
            MethodResponse::Fault(fault) => Err(fault),
        }
    }

    /// The code of the fault that a call ends with.
    #[track_caller]
    pub(crate) fn fault(&self, name: &str, params: &[Value]) -> i32 {
        self.call(name, params).unwrap_err().code
    }

    pub(crate) fn multicall(&self, calls: &[(&str, &[Value])]) -> Vec<Result<Value, i32>> {
        let calls = calls.iter().map(|(name, params)| {
            structure(&[("methodName", (*name).into()), ("params", array(params.to_vec()))])
        });
        let results = self.call("system.multicall", &[array(calls.collect())]).unwrap();
        let Value::Array(results) = results else { panic!("{results:?}") };
        let result = |result| match result {
            Value::Array(only) => Ok(only.into_vec().remove(0)),
            Value::Struct(fault) => {
                Err(fault.get("faultCode").unwrap().as_int().unwrap().try_into().unwrap())
            }
            other => panic!("{other:?}"),
        };
        results.into_vec().into_iter().map(result).collect()
    }

    /// The names that are listed, without those of `system.`.
    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.call("system.listMethods", &[]).unwrap();
        let names = names.as_array().unwrap().iter().map(|name| name.as_str().unwrap());
        names.filter(|name| !name.starts_with("system.")).map(str::to_owned).collect()
    }

    #[track_caller]
    pub(crate) fn wait_for_name(&self, name: &str) {
        wait_until("the name is listed", || self.names().iter().any(|listed| listed == name));
    }

    pub(crate) fn hang_up(&self) {
        self.process.signal("HUP");
    }
}

/// A gateway file that goes when the test does.
pub(crate) struct GatewayFile(pub(crate) PathBuf);

impl GatewayFile {
    pub(crate) fn new(text: &str) -> Self {
        static NUMBER: AtomicUsize = AtomicUsize::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("gateway-{}-{number}.toml", std::process::id());
        let file = Self(std::env::temp_dir().join(name));
        file.write(text);
        file
    }

    pub(crate) fn write(&self, text: &str) {
        std::fs::write(&self.0, text).unwrap();
    }
}

impl Drop for GatewayFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// What a server answers.
pub(crate) enum Answer {
    Value(Value),
    Fault(i32, &'static str),
    /// These bytes, and then the connection is closed.
    Raw(Vec<u8>),
    /// Nothing, for ever.
    Silence,
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

/// A call as it reached a server.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    /// In small letters.
    pub(crate) head: String,
    pub(crate) body: String,
    pub(crate) call: MethodCall,
}

/// An XML-RPC server that keeps all that reaches it.
#[derive(Clone)]
pub(crate) struct Upstream {
    pub(crate) addr: SocketAddr,
    heard: Arc<Mutex<Vec<Heard>>>,
}

impl Upstream {
    pub(crate) fn start(answer: impl Fn(&MethodCall) -> Answer + Send + Sync + 'static) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), answer)
    }

    pub(crate) fn start_at(
        addr: SocketAddr,
        answer: impl Fn(&MethodCall) -> Answer + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind(addr).unwrap();
        let upstream = Self { addr: listener.local_addr().unwrap(), heard: Arc::default() };
        let (heard, answer) = (upstream.heard.clone(), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (heard, answer) = (heard.clone(), answer.clone());
                thread::spawn(move || talk(stream, &heard, &*answer));
            }
        });
        upstream
    }

    /// The calls that reached it, those of `system.` aside.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        let heard = self.heard.lock().unwrap();
        let is_introspection = |name: &str| {
            ["system.listMethods", "system.methodHelp", "system.methodSignature"].contains(&name)
        };
        let asks = |heard: &&Heard| {
            let inner = ["system.methodHelp", "system.methodSignature", "system.listMethods"];
            let is_inner = inner.iter().any(|name| heard.body.contains(name));
            !is_introspection(&heard.call.name) && !is_inner
        };
        heard.iter().filter(asks).cloned().collect()
    }

    pub(crate) fn names_heard(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.call.name).collect()
    }

    /// All that reached it, as text.
    pub(crate) fn everything(&self) -> String {
        let heard = self.heard.lock().unwrap();
        heard.iter().map(|heard| heard.head.clone() + &heard.body).collect()
    }

    /// A gateway file with this server, what is published of it, and more keys of the upstream.
    pub(crate) fn file(&self, keys: &str, publish: &str) -> String {
        let addr = self.addr;
        format!(
            "[upstream.up]\nkind = \"xmlrpc\"\nurl = \"http://{addr}/RPC2\"\n{keys}\n[publish.up]\nprefix = \"up.\"\n{publish}\n"
        )
    }
}

fn talk(stream: TcpStream, heard: &Mutex<Vec<Heard>>, answer: &dyn Fn(&MethodCall) -> Answer) {
    let mut reader = BufReader::new(stream);
    while let Some((head, body)) = read_request(&mut reader) {
        let call = decode_call(&body, None, &Limits::DEFAULT).unwrap();
        let text = String::from_utf8(body).unwrap();
        let said = Heard { head: head.to_lowercase(), body: text, call: call.clone() };
        heard.lock().unwrap().push(said);
        let document = match answer(&call) {
            Answer::Value(value) => encode_response(&value).unwrap(),
            Answer::Fault(code, message) => encode_fault(&Fault::new(code, message)),
            Answer::Raw(bytes) => {
                let _ = reader.get_mut().write_all(&bytes);
                return;
            }
            Answer::Silence => {
                let _ = reader.read(&mut [0]);
                return;
            }
        };
        let _ = reader.get_mut().write_all(&ok("text/xml", &document));
    }
}

/// An answer with status 200.
pub(crate) fn ok(content_type: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {content_type}\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

pub(crate) fn read_request(reader: &mut BufReader<TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let lower = head.to_lowercase();
    let length = lower.split("content-length: ").nth(1)?.split("\r\n").next()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

pub(crate) fn array(values: Vec<Value>) -> Value {
    Value::Array(Array::try_from(values).unwrap())
}

pub(crate) fn structure(members: &[(&str, Value)]) -> Value {
    let members = members.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
    Struct::from_members(members.collect()).unwrap().into()
}

/// An array of texts.
pub(crate) fn texts(texts: &[&str]) -> Value {
    array(texts.iter().map(|text| Value::from(*text)).collect())
}
