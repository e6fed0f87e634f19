//! The client at servers that we did not write, as Debian packages them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod servers;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use callbox_client::{Call, Client, ErrorKind, Login, Settings, Value};
use servers::{Foreign, free_port, room, script, skipped};

/// What each of the small servers in `servers/` does: adds, echoes, fails, and tells its names.
async fn check_calls(client: &Client) {
    for _ in 0..3 {
        assert_eq!(client.call::<_, i64>("addition", (2, 3)).await.unwrap(), 5);
    }
    let members = BTreeMap::from([("a".to_owned(), "x <&> ä".to_owned())]);
    let echoed: BTreeMap<String, String> = client.call("echo", (&members,)).await.unwrap();
    assert_eq!(echoed, members);
    let list = vec![Value::from("a"), 1.5.into(), 7.into()];
    assert_eq!(client.call::<_, Vec<Value>>("echo", (&list,)).await.unwrap(), list);
    let large = vec!["0123456789".repeat(10); 2_000];
    assert_eq!(client.call::<_, Vec<String>>("echo", (&large,)).await.unwrap(), large);

    let error = client.call::<_, i64>("fail", ()).await.unwrap_err();
    let fault = error.as_fault().unwrap();
    assert_eq!((fault.code, &*fault.message), (4, "too many"));
    assert!(client.call::<_, Value>("nothing", ()).await.unwrap_err().as_fault().is_some());
    let names: Vec<String> = client.call("system.listMethods", ()).await.unwrap();
    assert!(names.contains(&"addition".to_owned()), "{names:?}");
}

async fn check_multicalls(client: &Client) {
    for _ in 0..2 {
        let calls =
            [Call::new("addition", (2, 3)), Call::new("fail", ()), Call::new("addition", (4, 5))];
        let results = client.multicall::<i64>(calls).await.unwrap();
        assert_eq!((results[0].as_ref().ok(), results[2].as_ref().ok()), (Some(&5), Some(&9)));
        assert!(matches!(results[1].as_ref().unwrap_err().kind(), ErrorKind::Fault(_)));
    }
}

fn client(port: u16) -> Client {
    Client::new(&format!("http://127.0.0.1:{port}/RPC2")).unwrap()
}

async fn check(port: u16) {
    let client = client(port);
    check_calls(&client).await;
    check_multicalls(&client).await;
}

#[tokio::test]
async fn ruby_is_called_with_multicall_and_without() {
    let script = script("ruby.rb");
    for args in [&[&*script, "multicall"][..], &[&script]] {
        let Some(mut ruby) = Foreign::start("ruby", "ruby-xmlrpc", args) else { return };
        let Some(port) = ruby.port("ruby-xmlrpc") else { return };
        check(port).await;
    }
}

#[tokio::test]
async fn perl_is_called() {
    let Some(mut perl) = Foreign::start("perl", "librpc-xml-perl", &[&script("rpc_xml.pl")]) else {
        return;
    };
    let Some(port) = perl.port("librpc-xml-perl") else { return };
    let client = client(port);
    check_calls(&client).await;
    // A fault among the results of a multicall it writes as no reader knows it.
    let calls = [Call::new("addition", (2, 3)), Call::new("addition", (4, 5))];
    let results = client.multicall::<i64>(calls).await.unwrap();
    assert_eq!(results.iter().flatten().collect::<Vec<_>>(), [&5, &9]);
}

#[tokio::test]
async fn abyss_of_xmlrpc_c_is_called() {
    let Some(abyss) = compiled() else { return };
    let Some(mut abyss) = Foreign::start(&abyss, "libxmlrpc-core-c3-dev", &[]) else { return };
    check(abyss.port("libxmlrpc-core-c3-dev").unwrap()).await;
}

fn compiled() -> Option<String> {
    let program = Path::new(env!("CARGO_TARGET_TMPDIR")).join("abyss").to_str()?.to_owned();
    let build = "cc \"$0\" -o \"$1\" $(xmlrpc-c-config abyss-server --cflags --libs)";
    let built = Command::new("sh").args(["-c", build, &script("abyss.c"), &program]).output();
    match built.unwrap().status.success() {
        true => Some(program),
        false => skipped("gcc libxmlrpc-core-c3-dev", "it does not compile"),
    }
}

#[tokio::test]
async fn supervisor_is_called_at_a_port_and_a_unix_socket() {
    let (room, port) = (room("callbox-supervisor"), free_port());
    let (socket, log) = (room.join("s.sock"), room.join("s.log"));
    let server = "username = ana\npassword = s3cret\n";
    let settings = format!(
        "[supervisord]\nnodaemon = true\nlogfile = {log}\npidfile = {log}.pid\nchildlogdir = {room}
[unix_http_server]\nfile = {socket}\n{server}[inet_http_server]\nport = 127.0.0.1:{port}\n{server}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:web]\ncommand = /bin/cat\nautostart = false\n",
        log = log.display(),
        room = room.display(),
        socket = socket.display(),
    );
    std::fs::write(room.join("supervisord.conf"), settings).unwrap();
    let file = room.join("supervisord.conf");
    let args = ["-c", file.to_str().unwrap()];
    let Some(mut part) = Foreign::start("supervisord", "supervisor", &args) else { return };
    part.wait_until_it_listens(Some(&socket), Some(port));

    let login = Some(Login::basic("ana", "s3cret").unwrap());
    let settings = Settings { login, ..Settings::default() };
    for url in [format!("http://127.0.0.1:{port}"), format!("http+unix://{}", socket.display())] {
        let client = Client::with(&url, &settings).unwrap();
        let state: BTreeMap<String, Value> = client.call("supervisor.getState", ()).await.unwrap();
        assert_eq!(state["statename"], "RUNNING".into());
        let error =
            client.call::<_, Value>("supervisor.startProcess", ("none",)).await.unwrap_err();
        assert_eq!(error.as_fault().map(|fault| fault.code), Some(10));
        // Its results stand bare, arrays of one value among them.
        for _ in 0..2 {
            let calls = [
                Call::new("supervisor.getAllProcessInfo", ()),
                Call::new("supervisor.getProcessInfo", ("none",)),
            ];
            let results = client.multicall::<Vec<BTreeMap<String, Value>>>(calls).await.unwrap();
            assert_eq!(results[0].as_ref().unwrap()[0]["name"], "web".into());
            assert!(results[1].as_ref().unwrap_err().as_fault().is_some());
        }
        let nobody = Client::new(&url).unwrap();
        let error = nobody.call::<_, Value>("supervisor.getState", ()).await.unwrap_err();
        assert_eq!(error.status(), Some(401), "{error}");
    }
    std::fs::remove_dir_all(room).unwrap();
}

#[tokio::test]
async fn rtorrent_is_called_by_scgi_at_a_port() {
    let port = free_port();
    let listener = format!("network.scgi.open_port = 127.0.0.1:{port}");
    check_rtorrent("callbox-rtorrent-port", &listener, |part, _| {
        part.wait_until_it_listens(None, Some(port));
        format!("scgi://127.0.0.1:{port}")
    })
    .await;
}

#[tokio::test]
async fn rtorrent_is_called_by_scgi_at_a_unix_socket() {
    let listener = "network.scgi.open_local = r.sock";
    check_rtorrent("callbox-rtorrent-unix", listener, |part, room| {
        let socket = room.join("r.sock");
        part.wait_until_it_listens(Some(&socket), None);
        format!("scgi+unix://{}", socket.display())
    })
    .await;
}

async fn check_rtorrent(
    test: &str,
    listener: &str,
    url: impl FnOnce(&mut Foreign, &Path) -> String,
) {
    let room = room(test);
    let settings = format!(
        "system.daemon.set = true\nnetwork.port_open.set = no\ndht.mode.set = disable\n\
         trackers.use_udp.set = no\nsystem.cwd.set = {}\n{listener}\n",
        room.display()
    );
    let file = room.join("rtorrent.rc");
    std::fs::write(&file, settings).unwrap();
    let import = format!("import={}", file.display());
    let Some(mut part) = Foreign::start("rtorrent", "rtorrent", &["-n", "-o", &import]) else {
        return;
    };
    let client = Client::new(&url(&mut part, &room)).unwrap();
    let version: String = client.call("system.client_version", ()).await.unwrap();
    assert!(version.starts_with("0."), "{version}");
    let names: Vec<String> = client.call("system.listMethods", ()).await.unwrap();
    assert!(names.len() > 500, "{}", names.len());
    let calls = names.iter().take(300).map(|name| Call::new("system.methodSignature", (name,)));
    let results = client.multicall::<Value>(calls).await.unwrap();
    assert!(results.len() == 300 && results.iter().all(Result::is_ok));
    assert!(client.call::<_, Value>("nothing", ()).await.unwrap_err().as_fault().is_some());
    std::fs::remove_dir_all(room).unwrap();
}
