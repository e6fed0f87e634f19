//! Python's own XML-RPC server behind the gateway.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
#[path = "../../callbox-client/tests/python/mod.rs"]
mod python;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use gateway::{Gateway, GatewayFile, array, texts};
use protocol::xmlrpc::{Fault, Value};
use python::Python;
use support::{checked_metrics, value};

const SERVER: &str = "gateway_server.py";

const PUBLISH: &str = r#"
[publish.py]
prefix = "py."
allow = ["addition", "fail", "d.*", "system.methodHelp"]
deny = ["d.erase"]
[publish.py.params]
"d.tag" = ["[a-z]+"]
"#;

fn start(python: &Python) -> Gateway {
    let port = python.port;
    let upstream = format!("[upstream.py]\nkind = \"xmlrpc\"\nurl = \"http://127.0.0.1:{port}\"\n");
    let gateway = Gateway::start(&(upstream + PUBLISH));
    gateway.wait_for_name("py.d.name");
    gateway
}

#[test]
fn only_what_is_allowed_is_there() {
    let Some(python) = Python::start(SERVER, &[]) else { return };
    let gateway = start(&python);
    let names = gateway.names();
    let ours = names.iter().filter(|name| name.starts_with("py.")).collect::<Vec<_>>();
    assert_eq!(ours, ["py.addition", "py.d.name", "py.fail", "py.system.methodHelp"]);
    assert_eq!(gateway.call("py.addition", &[2.into(), 3.into()]), Ok(5.into()));
    // Allowed by a pattern, and not listed.
    let hidden = gateway.call("py.d.hidden", &["x".into()]);
    assert_eq!(hidden, Ok(texts(&["d.hidden", "x"])));
    for name in [
        "py.d.erase",
        "py.system.listMethods",
        "py.system.multicall",
        "d.name",
        "addition2",
        "py.",
        "py.D.name",
        "py.d.a b",
    ] {
        assert_eq!(gateway.fault(name, &[]), -32601, "{name}");
    }
    assert_eq!(gateway.fault("system.methodHelp", &["py.d.erase".into()]), -32601);
    let results = gateway.multicall(&[
        ("py.d.erase", &[]),
        ("py.d.name", &["1".into()]),
        ("py.addition", &[1.into(), 2.into()]),
        ("py.d.tag", &["A".into()]),
        ("py.system.multicall", &[array(vec![])]),
        ("addition", &[1.into(), 1.into()]),
        ("py.fail", &[]),
        ("py.d.other", &[]),
    ]);
    let expected = [
        Err(-32601),
        Ok(texts(&["d.name", "1"])),
        Ok(3.into()),
        Err(-32602),
        Err(-32601),
        Ok(2.into()),
        Err(42),
        Ok(texts(&["d.other"])),
    ];
    assert_eq!(results, expected);
}

#[test]
fn faults_help_and_values_pass_unchanged() {
    let Some(python) = Python::start(SERVER, &[]) else { return };
    let gateway = start(&python);
    assert_eq!(gateway.call("py.fail", &[]), Err(Fault::new(42, "not today")));
    let help = || gateway.call("system.methodHelp", &["py.d.name".into()]);
    support::wait_until("help is there", || help() == Ok("The name of a download.".into()));
    let given = [
        Value::from("é <&> \n\t大"),
        (-7).into(),
        0.1.into(),
        true.into(),
        Value::Nil,
        vec![0_u8, 255].into(),
        "20240102T03:04:05".into(),
    ];
    let mut expected = vec!["d.echo".into()];
    expected.extend(given.clone());
    assert_eq!(gateway.call("py.d.echo", &given), Ok(array(expected)));
}

#[test]
fn what_is_not_listed_shares_the_label_of_its_pattern() {
    let Some(python) = Python::start(SERVER, &[]) else { return };
    let gateway = start(&python);
    for name in ["py.d.one", "py.d.two", "py.d.name"] {
        gateway.call(name, &[]).unwrap();
    }
    let metrics = checked_metrics(gateway.process.addr("admin"));
    let calls = |method: &str| {
        let labels = "door=\"xmlrpc\",fault=\"none\"";
        let line = metrics.lines().find(|line| {
            line.starts_with("rpc_server_call_duration_seconds_count{")
                && line.contains(&format!("=\"{method}\""))
        });
        assert!(line.is_some(), "{method} {labels}\n{metrics}");
        line.unwrap().rsplit(' ').next().unwrap().to_owned()
    };
    assert_eq!((calls("py.d.*"), calls("py.d.name")), ("2".to_owned(), "1".to_owned()));
    let ok = value(&metrics, "callbox_upstream_requests_total{upstream=\"py\",outcome=\"ok\"}");
    assert!(ok >= 3.0, "{ok}");
}

#[test]
fn server_behind_a_unix_socket_and_a_password_is_asked() {
    let socket = std::env::temp_dir().join(format!("gateway-{}.sock", std::process::id()));
    let login = GatewayFile::new("ana:s3cret\n");
    let unix = socket.to_str().unwrap();
    let Some(python) = Python::start(SERVER, &["--unix", unix, "--basic", "ana:s3cret"]) else {
        return;
    };
    let upstream = |login: &str| {
        format!("[upstream.py]\nkind = \"xmlrpc\"\nurl = \"http+unix://{unix}\"\n{login}")
    };
    let path = login.0.display();
    let gateway = Gateway::start(&(upstream(&format!("login = \"{path}\"\n")) + PUBLISH));
    gateway.wait_for_name("py.d.name");
    assert_eq!(gateway.call("py.addition", &[2.into(), 3.into()]), Ok(5.into()));
    gateway.process.wait_for_log("everybody on this machine can read the login of an upstream");
    assert!(!gateway.process.stderr().contains("s3cret"), "{}", gateway.process.stderr());
    // Without it the server refuses.
    gateway.file.write(&(upstream("") + PUBLISH));
    gateway.hang_up();
    support::wait_until("the login is gone", || {
        gateway.call("py.addition", &[2.into(), 3.into()]).is_err_and(|fault| fault.code == -32300)
    });
    gateway.process.wait_for_log("status 401");
    drop(python);
    let _ = std::fs::remove_file(&socket);
}
