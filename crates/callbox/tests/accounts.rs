//! Accounts at the edge, by raw bytes: who is let in, and what is there for whom.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox::{AccountKind, Caller, Reloader, Server, ServerError, Settings, Value};
use edge::{Client, arithmetic, array, call, entry, fault, post};
use tokio::net::{TcpListener, TcpSocket};

/// By `htpasswd -nbB -C 4 ana secret`, and with cost 14.
const HASH: &str = "$2y$04$.h22kaNrgKORdj22qJtStOfWDvFz2YVLQ4nGV3fbX8byeBh.OQnqa";
const SLOW_HASH: &str = "$2y$14$adiusWspdOp6cJyOKz1lneE5FeM59wwcl6hikdPBS0GG7C59fJfwm";

/// The SHA-256 of `abc`, and the header with that token.
const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
const TOKEN: &str = "Authorization: Bearer abc\r\n";

const XML: &str = "Content-Type: text/xml\r\n";

/// Settings with a file of accounts, which is there as long as the test.
struct Accounts(PathBuf);

impl Accounts {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("callbox-edge-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        let text = text.replace("SLOW_HASH", SLOW_HASH).replace("HASH", HASH);
        std::fs::write(&path, text.replace("DIGEST", DIGEST)).unwrap();
        Self(path)
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.accounts.accounts = Some(self.0.clone());
        settings
    }

    async fn start(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut registry = arithmetic();
        registry.add("who", "Who calls.", |caller: &Caller| {
            caller.account().map(|account| match account.kind {
                AccountKind::User => format!("user {}", account.name),
                AccountKind::Token => format!("token {}", account.name),
                _ => format!("another {}", account.name),
            })
        });
        let server = Server::new(registry).settings(self.settings()).listener(listener);
        tokio::spawn(server.run(std::future::pending()));
        addr
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const USERS: &str = "\
[user.ana]
password = \"HASH\"
methods = [\"who\", \"addition\", \"system.*\"]
[user.bob]
password = \"HASH\"
methods = [\"who\"]
[token.ci]
sha256 = \"DIGEST\"
methods = [\"*\"]
";

const ANYONE: &str = "[anyone]\nmethods = [\"who\", \"system.listMethods\"]\n";

fn basic(login: &str) -> String {
    format!("Authorization: Basic {}\r\n", STANDARD.encode(login))
}

async fn exchange(addr: SocketAddr, headers: &str, document: &str) -> edge::Response {
    edge::exchange(addr, &post("/", &format!("{XML}{headers}"), document)).await
}

async fn ask(
    addr: SocketAddr,
    headers: &str,
    method: &str,
    params: &[&str],
) -> Result<Value, (i32, String)> {
    exchange(addr, headers, &call(method, params)).await.result()
}

/// The status of a call that anybody with an account may make.
async fn status(addr: SocketAddr, headers: &str) -> u16 {
    exchange(addr, headers, &call("who", &[])).await.status
}

#[tokio::test]
async fn callers_are_told_from_each_other() {
    let accounts = Accounts::new("told", &(USERS.to_owned() + ANYONE));
    let addr = accounts.start().await;
    let check = async |headers: &str, expected: Value| {
        assert_eq!(ask(addr, headers, "who", &[]).await, Ok(expected), "{headers}");
    };
    check(&basic("ana:secret"), "user ana".into()).await;
    // Now it is remembered.
    check(&basic("ana:secret"), "user ana".into()).await;
    check(&basic("bob:secret"), "user bob".into()).await;
    check(TOKEN, "token ci".into()).await;
    check("", Value::Nil).await;
}

#[tokio::test]
async fn wrong_credentials_are_refused_also_where_anyone_may_call() {
    for (name, text) in [("wrong", USERS.to_owned()), ("wrong-anyone", USERS.to_owned() + ANYONE)] {
        let accounts = Accounts::new(name, &text);
        let addr = accounts.start().await;
        let both = format!("{TOKEN}{}", basic("ana:secret"));
        for headers in [
            &basic("ana:Secret"),
            &basic("Ana:secret"),
            &basic("eve:secret"),
            &basic(&format!("ana:{}", "a".repeat(73))),
            "Authorization: Basic ana:secret\r\n",
            "Authorization: Bearer abd\r\n",
            "Authorization: Digest username=\"ana\"\r\n",
            "Authorization:\r\n",
            &both,
        ] {
            let response = exchange(addr, headers, &call("who", &[])).await;
            assert_eq!(response.status, 401, "{headers}");
            assert_eq!(
                response.header("www-authenticate"),
                Some("Basic realm=\"callbox\", charset=\"UTF-8\"")
            );
            assert!(response.head.contains("Bearer realm=\"callbox\""), "{}", response.head);
        }
        assert_eq!(status(addr, "").await, if name == "wrong" { 401 } else { 200 });
    }
}

#[tokio::test]
async fn refusal_does_not_wait_for_the_body() {
    let accounts = Accounts::new("body", USERS);
    let addr = accounts.start().await;
    for headers in [String::new(), basic("ana:Secret")] {
        let mut client = Client::connect(addr).await;
        let head =
            format!("POST / HTTP/1.1\r\nHost: localhost\r\n{headers}Content-Length: 1000\r\n\r\n");
        client.send(head.as_bytes()).await;
        assert_eq!(client.receive().await.status, 401);
    }
}

#[tokio::test]
async fn health_stays_open() {
    let accounts = Accounts::new("health", USERS);
    let addr = accounts.start().await;
    for path in ["/healthz", "/readyz"] {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(edge::exchange(addr, request.as_bytes()).await.status, 200, "{path}");
    }
}

#[tokio::test]
async fn method_that_one_may_not_call_does_not_exist_for_them() {
    let accounts = Accounts::new("methods", &(USERS.to_owned() + ANYONE));
    let addr = accounts.start().await;
    let (ana, bob) = (basic("ana:secret"), basic("bob:secret"));
    let (two, name) = (["<int>2</int>", "<int>3</int>"], ["subtraction"]);

    assert_eq!(ask(addr, &ana, "addition", &two).await, Ok(5.into()));
    assert_eq!(ask(addr, TOKEN, "subtraction", &two).await, Ok((-1).into()));
    let unknown = ask(addr, &ana, "nothing", &two).await.unwrap_err();
    let code_and_text = |name: &str| (unknown.0, unknown.1.replace("nothing", name));
    assert_eq!(unknown.0, -32601);
    for (headers, method) in [
        (ana.as_str(), "subtraction"),
        (bob.as_str(), "addition"),
        (bob.as_str(), "system.listMethods"),
        (bob.as_str(), "system.multicall"),
        ("", "addition"),
        ("", "system.methodHelp"),
    ] {
        let refused = ask(addr, headers, method, &two).await;
        assert_eq!(refused, Err(code_and_text(method)), "{headers}");
    }
    for method in ["system.methodHelp", "system.methodSignature"] {
        let refused = ask(addr, &ana, method, &name).await;
        assert_eq!(refused, Err(code_and_text("subtraction")), "{method}");
        assert!(ask(addr, &ana, method, &["addition"]).await.is_ok(), "{method}");
        assert!(ask(addr, TOKEN, method, &name).await.is_ok(), "{method}");
    }
}

#[tokio::test]
async fn methods_are_listed_for_whom_they_exist() {
    let accounts = Accounts::new("list", &(USERS.to_owned() + ANYONE));
    let addr = accounts.start().await;
    let system = [
        "system.getCapabilities",
        "system.listMethods",
        "system.methodHelp",
        "system.methodSignature",
        "system.multicall",
    ];
    let check = async |headers: &str, first: &[&str], system: &[&str], last: &[&str]| {
        let listed = ask(addr, headers, "system.listMethods", &[]).await;
        let names = [first, system, last].concat();
        assert_eq!(listed, Ok(array(names)), "{headers}");
    };
    check(&basic("ana:secret"), &["addition"], &system, &["who"]).await;
    check(TOKEN, &["addition", "subtraction"], &system, &["who"]).await;
    check("", &[], &["system.listMethods"], &["who"]).await;
}

#[tokio::test]
async fn entries_of_a_multicall_have_the_callers_methods() {
    let accounts = Accounts::new("multicall", USERS);
    let addr = accounts.start().await;
    let numbers = "<value><int>2</int></value><value><int>3</int></value>";
    let entries = [
        entry("addition", numbers),
        entry("subtraction", numbers),
        entry("nothing", numbers),
        entry("system.methodHelp", "<value>subtraction</value>"),
        entry("who", ""),
    ];
    let calls = format!("<array><data>{}</data></array>", entries.concat());
    let Ok(Value::Array(results)) =
        ask(addr, &basic("ana:secret"), "system.multicall", &[&calls]).await
    else {
        panic!("no results")
    };
    let results = results.into_vec();
    assert_eq!(results[0], array([5]));
    assert_eq!(results[4], array(["user ana"]));
    let unknown = ask(addr, &basic("ana:secret"), "nothing", &[]).await.unwrap_err();
    let missing = |name: &str| fault(unknown.0, &unknown.1.replace("nothing", name));
    assert_eq!(unknown.0, -32601);
    assert_eq!(results[1..4], [missing("subtraction"), missing("nothing"), missing("subtraction")]);
}

#[tokio::test]
async fn multicall_in_a_batch_is_there_for_those_who_may_call_it() {
    let accounts = Accounts::new("nested", &(USERS.to_owned() + ANYONE));
    let addr = accounts.start().await;
    let check = async |headers: &str, code: &str| {
        let headers = format!("Content-Type: application/json\r\n{headers}");
        let batch = r#"[{"jsonrpc":"2.0","id":1,"method":"system.multicall","params":[[]]}]"#;
        let answered = edge::exchange(addr, &post("/jsonrpc", &headers, batch)).await;
        assert!(answered.text().contains(code), "{}", answered.text());
    };
    check(TOKEN, "\"code\":-32602,").await;
    check("", "\"code\":-32601,").await;
}

#[tokio::test]
async fn who_fails_too_often_pauses_and_nobody_else() {
    let accounts = Accounts::new("failures", USERS);
    let addr = accounts.start().await;
    assert_eq!(status(addr, &basic("ana:secret")).await, 200);
    for user in ["ana", "bob", "eve"] {
        for failure in 0..10 {
            assert_eq!(status(addr, &basic(&format!("{user}:{failure}"))).await, 401, "{user}");
        }
        let response = exchange(addr, &basic(&format!("{user}:10")), &call("who", &[])).await;
        assert_eq!(response.status, 429, "{user}");
        assert_eq!(response.header("retry-after"), Some("1"));
    }
    // Remembered, and no password at all.
    assert_eq!(status(addr, &basic("ana:secret")).await, 200);
    assert_eq!(status(addr, TOKEN).await, 200);
    // From another address.
    let response = exchange_from(2, addr, &basic("bob:secret")).await;
    assert_eq!(response.status, 200);
}

/// A call from the loopback address that ends in `number`.
async fn exchange_from(number: u8, addr: SocketAddr, headers: &str) -> edge::Response {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((IpAddr::from(Ipv4Addr::new(127, 0, 0, number)), 0).into()).unwrap();
    let mut client = Client::from(socket.connect(addr).await.unwrap());
    client.send(&post("/", &format!("{XML}{headers}"), &call("who", &[]))).await;
    client.receive().await
}

#[tokio::test]
async fn passwords_beyond_what_can_be_hashed_are_refused_and_tokens_pass() {
    let accounts = Accounts::new("busy", &USERS.replacen("HASH", "SLOW_HASH", 1));
    let addr = accounts.start().await;
    let asked: Vec<_> = (2..62)
        .map(|number| {
            tokio::spawn(async move { exchange_from(number, addr, &basic("ana:Secret")).await })
        })
        .collect();
    let mut refused = 0;
    for response in asked {
        let response = response.await.unwrap();
        assert_eq!(status(addr, TOKEN).await, 200);
        match response.status {
            401 => {}
            503 => {
                assert_eq!(response.header("retry-after"), Some("1"));
                refused += 1;
            }
            other => panic!("{other}"),
        }
    }
    assert!(refused > 0, "60 were hashed");
}

#[tokio::test]
async fn file_that_cannot_be_used_keeps_every_way_from_starting() {
    let accounts = Accounts::new("bad", "[user.ana]\npassword = \"secret\"\n");
    let server = || Server::new(arithmetic()).settings(accounts.settings());
    let errors = [
        server().router::<()>().err(),
        server().service().err(),
        server().run(std::future::pending()).await.err(),
    ];
    for error in errors {
        let error = error.unwrap();
        assert!(matches!(error, ServerError::Accounts(_)), "{error:?}");
        let expected = format!("{}:2: password of user \"ana\": expected a", accounts.0.display());
        assert!(error.to_string().starts_with(&expected), "{error}");
    }
}

#[tokio::test]
async fn program_on_its_own_runtime_has_its_accounts_read_again() {
    let file = Accounts::new("reloaded", "[token.ci]\nsha256 = \"DIGEST\"\nmethods = []\n");
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    let reloader = Reloader::new();
    // Nothing runs yet.
    reloader.reload();
    let server = Server::new(arithmetic()).settings(file.settings()).listener(listener);
    tokio::spawn(server.reloader(&reloader).run(std::future::pending()));

    let call = call("addition", &["<int>2</int>", "<int>3</int>"]);
    let mut client = Client::connect(addr).await;
    let mut asked = async || {
        client.send(&post("/", &format!("{XML}{TOKEN}"), &call)).await;
        client.receive().await.result()
    };
    assert_eq!(asked().await.unwrap_err().0, -32601);
    let text = format!("[token.ci]\nsha256 = \"{DIGEST}\"\nmethods = [\"*\"]\n");
    std::fs::write(&file.0, &text).unwrap();
    assert_eq!(asked().await.unwrap_err().0, -32601);
    reloader.reload();
    assert_eq!(asked().await, Ok(Value::from(5)));
    std::fs::write(&file.0, "no TOML").unwrap();
    reloader.reload();
    assert_eq!(asked().await, Ok(Value::from(5)));
}

#[tokio::test]
async fn accounts_stand_before_the_doors_of_json_too() {
    let accounts = Accounts::new("json", USERS);
    let addr = accounts.start().await;
    let call = r#"{"jsonrpc": "2.0", "method": "addition", "params": [2, 3], "id": 1}"#;
    let by_json_rpc = async |headers: &str, document: &str| {
        edge::exchange(addr, &post("/jsonrpc", headers, document)).await
    };
    let by_json = async |headers: &str, method: &str, body: &str| {
        edge::exchange(addr, &post(&format!("/json/{method}"), headers, body)).await
    };
    let (ana, bob) = (basic("ana:secret"), basic("bob:secret"));
    for refused in [by_json_rpc("", call).await, by_json(&basic("ana:no"), "who", "").await] {
        assert_eq!(refused.status, 401);
        assert!(refused.header("www-authenticate").is_some());
    }
    let sum = r#"{"jsonrpc":"2.0","result":5,"id":1}"#;
    assert_eq!(by_json_rpc(&ana, call).await.text(), sum);
    assert_eq!(by_json(&ana, "who", "").await.text(), r#""user ana""#);

    let unknown =
        r#"{"jsonrpc":"2.0","error":{"code":-32601,"message":"Method not found"},"id":1}"#;
    assert_eq!(by_json_rpc(&bob, call).await.text(), unknown);
    assert_eq!(by_json_rpc(&bob, &format!("[{call}]")).await.text(), format!("[{unknown}]"));
    let (one, other) =
        (by_json(&bob, "addition", "[2, 3]").await, by_json(&bob, "nothing", "").await);
    assert_eq!((one.status, other.status), (404, 404));
    assert_eq!(one.text().replace("addition", "nothing"), other.text());

    let discovered = by_json(&bob, "rpc.discover", "").await;
    assert!(discovered.text().contains(r#""name":"who""#), "{discovered:?}");
    assert!(!discovered.text().contains("addition"), "{discovered:?}");
}
