//! What operators see of methods that come and go, and who may call them.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;
mod log;
mod probe;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use callbox::{AccessLog, Catalog, Metrics, Reloader, Server, Settings, Value, code};
use edge::{Client, arithmetic, array, ask, call, entry, fault, multicall, post};
use log::LOG;
use probe::Probe;
use tokio::net::TcpListener;

/// How many lines have all of `words`.
fn lines(words: &[&str]) -> usize {
    let log = LOG.text();
    let lines = log.lines();
    lines.filter(|line| words.iter().all(|word| line.contains(word))).count()
}

/// A server of arithmetic and a catalog.
struct Served {
    catalog: Catalog,
    metrics: Metrics,
    addr: SocketAddr,
}

impl Served {
    async fn new(settings: Settings, change: impl FnOnce(Server, &Catalog) -> Server) -> Self {
        LazyLock::force(&LOG);
        let (catalog, metrics) = (Catalog::new(), Metrics::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let mut registry = arithmetic();
        registry.add_catalog(&catalog);
        let server = Server::new(registry).settings(settings).metrics(metrics.clone());
        let server = change(server.listener(listener), &catalog);
        tokio::spawn(server.run(std::future::pending()));
        Self { catalog, metrics, addr }
    }

    async fn plain() -> Self {
        let mut settings = Settings::default();
        settings.process.access_log = AccessLog::All;
        Self::new(settings, |server, _| server).await
    }

    /// How many calls of what has this label ended so.
    fn calls(&self, label: &str, outcome: &str) -> Option<u64> {
        let series = format!(
            "rpc_server_call_duration_seconds_count{{door=\"xmlrpc\",rpc_method=\"{label}\",outcome=\"{outcome}\"}} "
        );
        let text = self.metrics.text();
        text.lines().find_map(|line| line.strip_prefix(&series)?.parse().ok())
    }
}

#[tokio::test]
async fn calls_are_counted_and_logged_by_name_or_by_the_patterns_label() {
    let served = Served::plain().await;
    let probe = Probe::new(true);
    let publish = |names: &[&str]| {
        served.catalog.publish(probe.methods(names), vec![probe.pattern("obs.d.")]).unwrap();
    };
    publish(&["obs.name", "obs.refuse"]);
    for name in ["obs.name", "obs.refuse", "obs.d.one", "obs.d.two"] {
        let _ = ask(served.addr, name, &[]).await;
    }
    let entries = ["obs.name", "obs.d.three", "obs.refuse", "obs.none", "obs.name"];
    multicall(served.addr, &entries.map(|name| entry(name, ""))).await.unwrap();
    publish(&["obs.name"]);
    assert!(ask(served.addr, "obs.name", &[]).await.is_ok());
    for (label, outcome, count) in [
        ("obs.name", "ok", Some(4)),
        ("obs.refuse", "fault", Some(2)),
        ("obs.d.*", "ok", Some(3)),
        ("obs.d.one", "ok", None),
        ("-", "-32601", Some(1)),
        ("system.multicall", "ok", Some(1)),
    ] {
        assert_eq!(served.calls(label, outcome), count, "{label}");
    }
    assert_eq!(lines(&["request ended", "method=\"obs.name\""]), 2);
    assert_eq!(lines(&["request ended", "method=\"obs.refuse\"", "fault=7"]), 1);
    assert_eq!(lines(&["request ended", "method=\"obs.d.*\""]), 2);
}

#[tokio::test]
async fn only_so_many_names_are_counted_by_themselves() {
    let served = Served::plain().await;
    let probe = Probe::new(true);
    let names: Vec<_> = (0..1_003).map(|number| format!("many.{number}")).collect();
    let (early, late) = names.split_at(1_000);
    for names in [early, late, early] {
        let names: Vec<_> = names.iter().map(String::as_str).collect();
        served.catalog.publish(probe.methods(&names), vec![]).unwrap();
        let entries: Vec<_> = names.iter().map(|name| entry(name, "")).collect();
        multicall(served.addr, &entries).await.unwrap();
    }
    assert_eq!(served.calls("many.0", "ok"), Some(2));
    assert_eq!(served.calls("many.999", "ok"), Some(2));
    assert_eq!(served.calls("many.1000", "ok"), None);
    assert_eq!(served.calls("(other methods)", "ok"), Some(3));
}

#[tokio::test]
async fn what_a_handler_did_wrong_is_logged_with_its_method() {
    let served = Served::plain().await;
    let probe = Probe::new(true);
    let names = ["wrong.nan", "wrong.fewer", "wrong.panic", "wrong.later_panic"];
    served.catalog.publish(probe.methods(&names), vec![]).unwrap();
    for name in ["wrong.nan", "wrong.later_panic"] {
        assert!(ask(served.addr, name, &[]).await.is_err());
    }
    for name in ["wrong.fewer", "wrong.panic"] {
        multicall(served.addr, &[entry(name, ""), entry(name, "")]).await.unwrap();
    }
    let cause = "asked for 2 calls together, it gave 1 results";
    for words in [
        &["cannot be written", "method=wrong.nan "],
        &[cause, "method=wrong.fewer "],
        &["a method panicked", "method=wrong.panic "],
        &["a method panicked", "method=wrong.later_panic "],
    ] {
        assert_eq!(lines(words), 1, "{words:?}");
    }
}

/// A file of accounts, which is there as long as the test.
struct Accounts(PathBuf);

/// The header with the token of the account.
const TOKEN: &str = "Authorization: Bearer abc\r\n";

impl Accounts {
    /// The account of the token may call `methods`.
    fn new(name: &str, methods: &[&str]) -> Self {
        let name = format!("callbox-catalog-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        let digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        std::fs::write(
            &path,
            format!("[token.ci]\nsha256 = \"{digest}\"\nmethods = {methods:?}\n"),
        )
        .unwrap();
        Self(path)
    }

    fn settings(&self) -> Settings {
        let mut settings = Settings::default();
        settings.accounts.accounts = Some(self.0.clone());
        settings
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn ask_as(addr: SocketAddr, name: &str, params: &[&str]) -> Result<Value, (i32, String)> {
    let mut client = Client::connect(addr).await;
    client.send(&post("/", TOKEN, &call(name, params))).await;
    client.receive().await.result()
}

#[tokio::test]
async fn method_that_an_account_may_not_call_does_not_exist_for_it() {
    let accounts = Accounts::new("may", &["radio.on", "d.*", "system.*"]);
    let served = Served::new(accounts.settings(), |server, _| server).await;
    let (addr, probe) = (served.addr, Probe::new(true));
    let methods = probe.methods(&["radio.on", "radio.off"]);
    served.catalog.publish(methods, vec![probe.pattern("d."), probe.pattern("e.")]).unwrap();
    let gone = |name: &str| (code::METHOD_NOT_FOUND, format!("no such method: {name}"));
    for name in ["radio.off", "e.name", "radio.none"] {
        assert_eq!(ask_as(addr, name, &[]).await, Err(gone(name)));
        assert_eq!(ask_as(addr, "system.methodHelp", &[name]).await, Err(gone(name)));
    }
    for name in ["radio.on", "d.name"] {
        assert_eq!(ask_as(addr, name, &[]).await, Ok(array([name])));
    }
    let Ok(Value::Array(listed)) = ask_as(addr, "system.listMethods", &[]).await else { panic!() };
    let others = listed.iter().filter(|name| !name.as_str().unwrap().starts_with("system."));
    assert_eq!(others.collect::<Vec<_>>(), [&Value::from("radio.on")]);

    probe.asked();
    let names = ["radio.on", "d.a", "radio.off", "d.b", "e.a", "radio.on", "d.c"];
    let entries = names.map(|name| entry(name, "")).concat();
    let entries = format!("<array><data>{entries}</data></array>");
    let answered = ask_as(addr, "system.multicall", &[&entries]).await;
    let expected = names.map(|name| match name {
        "radio.off" | "e.a" => fault(gone(name).0, &gone(name).1),
        name => array([array([name])]),
    });
    assert_eq!(answered, Ok(array(expected)));
    assert_eq!(probe.asked(), [&["radio.on", "d.a"][..], &["d.b"], &["radio.on", "d.c"]]);
}

#[tokio::test]
async fn account_whose_pattern_fits_a_catalog_or_could_is_not_warned_of() {
    let patterns = [
        "addition", "fit.on", "fit.*", "d.name", "d.deep.*", "d.*", "wide.*", "d", "e.*",
        "fit.off", "fitter.*",
    ];
    let accounts = Accounts::new("misfits", &patterns);
    let (catalog, probe) = (Catalog::new(), Probe::new(false));
    catalog
        .publish(probe.methods(&["fit.on"]), vec![probe.pattern("d."), probe.pattern("wide.deep.")])
        .unwrap();
    let mut registry = arithmetic();
    registry.add_catalog(&catalog);
    LazyLock::force(&LOG);
    let server = Server::new(registry).settings(accounts.settings());
    let _service = server.service().unwrap();
    let file = accounts.0.display().to_string();
    for pattern in patterns {
        let is_warned_of = ["d", "e.*", "fit.off", "fitter.*"].contains(&pattern);
        let pattern = format!("pattern=\"{pattern}\"");
        let warned = lines(&["no published method fits", &file, &pattern]);
        assert_eq!(warned, usize::from(is_warned_of), "{pattern}");
    }
}

/// Publishes the names in the file at `path`.
fn publish(path: &Path, catalog: &Catalog, probe: &Probe) -> Result<(), String> {
    let names = std::fs::read_to_string(path).map_err(|error| error.to_string())?;
    let names: Vec<_> = names.split_whitespace().collect();
    catalog.publish(probe.methods(&names), vec![]).map_err(|error| error.to_string())
}

#[tokio::test]
async fn catalog_is_read_again_with_the_other_files_and_before_the_accounts() {
    let accounts = Accounts::new("reload", &["reload.later", "reload.now"]);
    let path = accounts.0.with_extension("names");
    std::fs::write(&path, "reload.now").unwrap();
    let (reloader, probe, names) = (Reloader::new(), Probe::new(false), path.clone());
    let served = Served::new(accounts.settings(), |server, catalog| {
        publish(&names, catalog, &probe).unwrap();
        let (catalog, mut times) = (catalog.clone(), 0);
        let server = server.reloader(&reloader).on_reload("names", move || {
            times += 1;
            publish(&names, &catalog, &probe).map_err(|error| format!("{error}, time {times}"))
        });
        server.on_reload("nothing", || Ok::<_, String>(()))
    })
    .await;
    let addr = served.addr;
    assert!(ask_as(addr, "reload.now", &[]).await.is_ok());
    let file = accounts.0.display().to_string();
    let misfits = || lines(&["no published method fits", &file, "pattern=\"reload.later\""]);
    let reloads = |result: &str| {
        let series = format!("callbox_reloads_total{{result=\"{result}\"}} ");
        let text = served.metrics.text();
        text.lines().find_map(|line| line.strip_prefix(&series)?.parse::<u64>().ok())
    };
    assert_eq!(misfits(), 1);

    std::fs::write(&path, "reload.now reload.later").unwrap();
    assert!(ask_as(addr, "reload.later", &[]).await.is_err());
    reloader.reload();
    assert!(ask_as(addr, "reload.later", &[]).await.is_ok());
    assert_eq!(misfits(), 1, "it fits now");
    assert_eq!((reloads("ok"), reloads("error")), (Some(3), Some(0)));
    assert_eq!(lines(&["reloaded", "what=\"names\""]), 1);

    std::fs::write(&path, "reload.other system.bad").unwrap();
    reloader.reload();
    std::fs::remove_file(&path).unwrap();
    assert!(ask_as(addr, "reload.later", &[]).await.is_ok(), "nothing is changed");
    assert_eq!((reloads("ok"), reloads("error")), (Some(5), Some(1)));
    assert_eq!(lines(&["not reloaded", "what=\"names\"", "system.bad", "time 2"]), 1);
}
