//! The page by raw bytes: who is shown it, what it holds, and that it stays what it is.
#![allow(clippy::unwrap_used, clippy::panic)]

mod edge;

use std::io::Read;
use std::net::SocketAddr;
use std::path::PathBuf;

use axum::Router;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use callbox::{Awaited, Caller, Catalog, CatalogMethod, Fault, Handler, Registry, Server, Switch};
use callbox::{Check, Settings, Value};
use edge::{Client, Response, arithmetic, call, exchange, post};
use flate2::read::GzDecoder;
use std::sync::Arc;
use tokio::net::TcpListener;

const BROWSER: &str =
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,image/webp,*/*;q=0.8\r\n";

/// Most bytes of the page without its methods.
const MAX_PAGE: usize = 40_000;

async fn serve(server: Server) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(server.listener(listener).run(std::future::pending()));
    addr
}

fn get(path: &str, headers: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n")
}

async fn ask(addr: SocketAddr, headers: &str) -> Response {
    exchange(addr, get("/", headers).as_bytes()).await
}

async fn page(addr: SocketAddr) -> String {
    let shown = ask(addr, BROWSER).await;
    assert_eq!(shown.status, 200, "{}", shown.head);
    shown.text().to_owned()
}

#[tokio::test]
async fn browsers_are_shown_a_page_and_others_are_told_to_post() {
    let addr = serve(Server::new(arithmetic())).await;
    for headers in [BROWSER, "Accept: text/html\r\n"] {
        let shown = ask(addr, headers).await;
        assert_eq!(shown.status, 200);
        assert_eq!(shown.header("content-type"), Some("text/html; charset=utf-8"));
        assert!(shown.text().contains("<h2><a href=\"#addition\">addition</a></h2>"));
    }
    for headers in ["", "Accept: */*\r\n", "Accept: text/xml\r\n", "Accept: application/json\r\n"] {
        let told = ask(addr, headers).await;
        assert_eq!((told.status, told.header("allow")), (405, Some("POST")), "{headers}");
    }
    for path in ["/RPC2", "/other"] {
        let told = exchange(addr, get(path, BROWSER).as_bytes()).await;
        assert!(matches!(told.status, 404 | 405), "{path}");
    }
    let call = call("addition", &["<int>2</int>", "<int>3</int>"]);
    let call = post("/", &format!("{BROWSER}Content-Type: text/xml\r\n"), &call);
    assert_eq!(exchange(addr, &call).await.result(), Ok(Value::Int(5)));
}

#[tokio::test]
async fn page_that_is_off_is_not_there() {
    let mut settings = Settings::default();
    settings.page = Switch::Off;
    let addr = serve(Server::new(arithmetic()).settings(settings)).await;
    let told = ask(addr, BROWSER).await;
    assert_eq!((told.status, told.header("allow")), (405, Some("POST")));
}

#[tokio::test]
async fn page_says_whether_json_is_taken() {
    let mut settings = Settings::default();
    assert!(page(serve(Server::new(arithmetic())).await).await.contains("data-json=\"on\""));
    settings.json = Switch::Off;
    let addr = serve(Server::new(arithmetic()).settings(settings)).await;
    assert!(page(addr).await.contains("data-json=\"off\""));
}

#[tokio::test]
async fn host_that_is_not_answered_is_shown_none() {
    let addr = serve(Server::new(arithmetic())).await;
    let request = format!("GET / HTTP/1.1\r\nHost: evil.example\r\n{BROWSER}\r\n");
    assert_eq!(exchange(addr, request.as_bytes()).await.status, 403);
}

#[tokio::test]
async fn headers_keep_the_page_to_itself() {
    let addr = serve(Server::new(arithmetic())).await;
    let shown = ask(addr, BROWSER).await;
    let check = |name, expected| assert_eq!(shown.header(name), Some(expected), "{name}");
    check("vary", "accept, authorization, accept-encoding");
    check("cache-control", "private, no-cache");
    check("x-content-type-options", "nosniff");
    check("x-frame-options", "DENY");
    check("referrer-policy", "no-referrer");
    let policy = shown.header("content-security-policy").unwrap();
    let digest = |tag: &str| {
        let (_, rest) = shown.text().split_once(&format!("<{tag}>")).unwrap();
        let end = format!("</{}>", tag.split(' ').next().unwrap());
        let text = rest.split_once(&end).unwrap().0;
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes());
        format!("'sha256-{}'", STANDARD.encode(digest))
    };
    let (style, script) = (digest("style"), digest("script type=\"module\""));
    assert_eq!(
        policy,
        format!(
            "default-src 'none'; style-src {style}; script-src {script}; img-src data:; \
             connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
        )
    );
    assert_eq!(shown.text().matches("<script").count(), 1);
    assert_eq!(shown.text().matches("<style").count(), 1);
    assert!(!shown.text().contains(" style=") && !shown.text().contains(" onclick="));
}

#[tokio::test]
async fn page_without_its_methods_is_small() {
    let mut settings = Settings::default();
    let accounts = Accounts::new("small", "[token.ci]\nsha256 = \"DIGEST\"\nmethods = [\"*\"]\n");
    settings.accounts.accounts = Some(accounts.0.clone());
    let addr = serve(Server::new(arithmetic()).settings(settings)).await;
    let shown = page(addr).await;
    assert!(shown.len() < MAX_PAGE, "{}", shown.len());
    for outside in ["http:", "https:", "src=", "@import", " import("] {
        let found = shown.matches(outside).count();
        // The namespace of the icon.
        let expected = usize::from(outside == "http:");
        assert_eq!(found, expected, "{outside}");
    }
}

#[tokio::test]
async fn page_that_the_browser_has_is_not_sent_again() {
    let catalog = Catalog::new();
    let mut registry = arithmetic();
    registry.add_catalog(&catalog);
    let addr = serve(Server::new(registry)).await;
    let tag = ask(addr, BROWSER).await.header("etag").unwrap().to_owned();
    let again = format!("{BROWSER}If-None-Match: {tag}\r\n");
    let mut client = Client::connect(addr).await;
    for _ in 0..2 {
        client.send(get("/", &again).as_bytes()).await;
        let unchanged = client.receive().await;
        assert_eq!((unchanged.status, unchanged.header("etag")), (304, Some(&*tag)));
        assert!(unchanged.header("vary").is_some() && unchanged.body.is_empty());
    }
    catalog.publish(vec![CatalogMethod::new("new", "", Arc::new(Nothing))], vec![]).unwrap();
    let changed = ask(addr, &again).await;
    assert_eq!(changed.status, 200);
    assert_ne!(changed.header("etag"), Some(&*tag));
}

#[tokio::test]
async fn page_is_compressed_where_that_is_taken() {
    let addr = serve(Server::new(arithmetic())).await;
    let zipped = ask(addr, &format!("{BROWSER}Accept-Encoding: gzip, br\r\n")).await;
    assert_eq!(zipped.header("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(&zipped.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text, page(addr).await);
    assert!(zipped.body.len() < text.len() / 2);
}

#[tokio::test]
async fn head_is_answered_as_get_without_the_body() {
    let addr = serve(Server::new(arithmetic())).await;
    let mut client = Client::connect(addr).await;
    let head = format!("HEAD / HTTP/1.1\r\nHost: localhost\r\n{BROWSER}Connection: close\r\n\r\n");
    client.send(head.as_bytes()).await;
    let answered = client.receive_head().await;
    let shown = ask(addr, BROWSER).await;
    for name in ["content-type", "etag", "content-length", "content-security-policy"] {
        assert_eq!(answered.header(name), shown.header(name), "{name}");
    }
    assert!(client.is_ended().await);
}

/// What nobody calls here.
struct Nothing;

impl Handler for Nothing {
    fn call(&self, _: &str, _: Vec<Value>, _: &Caller) -> Awaited<Result<Value, Fault>> {
        Box::pin(async { Ok(Value::Nil) })
    }
}

#[tokio::test]
async fn markup_in_names_and_help_stays_text() {
    let catalog = Catalog::new();
    let hostile = "</script><img/src=x>\"'&{{script}}";
    let method = CatalogMethod::new(hostile, format!("{hostile} help"), Arc::new(Nothing))
        .names([hostile])
        .signature([hostile, hostile]);
    let quoted = CatalogMethod::new("it's", "", Arc::new(Nothing));
    catalog.publish(vec![method, quoted], vec![]).unwrap();
    let mut registry = Registry::new();
    registry.add_catalog(&catalog);
    let shown = page(serve(Server::new(registry).program(hostile, hostile)).await).await;
    let text = "&lt;/script&gt;&lt;img/src=x&gt;&quot;&#39;&amp;{{script}}";
    assert!(shown.contains(&format!("<title>{text}</title>")));
    assert!(shown.contains(&format!("<article id=\"{text}\">")));
    assert!(shown.contains(&format!("<p class=\"help\">{text} help</p>")));
    assert!(shown.contains(&format!("<b>{text}</b>: <i>{text}</i>")));
    assert!(
        shown.contains(
            "<a href=\"#%3C%2Fscript%3E%3Cimg%2Fsrc%3Dx%3E%22%27%26%7B%7Bscript%7D%7D\">"
        )
    );
    assert!(!shown.contains("<img") && shown.matches("</script>").count() == 1);
    // Escaped for XML, quoted for the shell, then escaped for HTML.
    assert!(shown.contains("&lt;methodName&gt;it&amp;#39;s&lt;/methodName&gt;"), "{shown}");
}

#[tokio::test]
async fn methods_are_told_with_help_signatures_and_a_command() {
    let mut registry = arithmetic();
    registry.add("shop.sell", "Sells.", |_: i64, _: Option<String>| 1).names(["count", "note"]);
    let addr = serve(Server::new(registry).program("shop", "1.2.3")).await;
    let shown = page(addr).await;
    for told in [
        "<a href=\"#\">shop</a> <span class=\"version\">1.2.3</span>",
        "<span class=\"readiness ready\">ready</span>",
        "<span class=\"count\">8 methods</span>",
        "<h2>shop</h2><ul>\n<li><a href=\"#shop.sell\">sell</a></li>",
        "<p class=\"help\">Sells.</p>",
        "<code>(<span><b>count</b>: <i>int</i></span>, <span><b>note</b>?: <i>string</i></span>) → <i>int</i></code>",
        "curl &quot;$URL&quot; -H &#39;Content-Type: text/xml&#39; -d &#39;&lt;methodCall&gt;&lt;methodName&gt;shop.sell&lt;/methodName&gt;",
    ] {
        assert!(shown.contains(told), "{told}\n{shown}");
    }
    // Nobody is asked who they are.
    assert!(!shown.contains("Password"));
}

#[tokio::test]
async fn readiness_is_told_in_a_word() {
    let check = Check::required("database", || async { Err::<(), _>("gone") });
    let shown = page(serve(Server::new(arithmetic()).check(check)).await).await;
    assert!(shown.contains("<span class=\"readiness unready\">unready</span>"));
}

#[tokio::test]
async fn page_is_shown_where_it_is_mounted() {
    let nested = || Server::new(arithmetic()).program("nested", "");
    let app = Router::new()
        .nest("/rpc", nested().router().unwrap())
        .nest_service("/deep/rpc", nested().service().unwrap());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let addr = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    for path in ["/rpc", "/deep/rpc", "/deep/rpc/"] {
        let shown = exchange(addr, get(path, BROWSER).as_bytes()).await;
        assert_eq!(shown.status, 200, "{path}");
        assert!(shown.text().contains("<title>nested</title>"), "{path}");
        assert!(!shown.text().contains("class=\"readiness"), "{path}");
        let call = call("addition", &["<int>2</int>", "<int>3</int>"]);
        let called = exchange(addr, &post(path, "Content-Type: text/xml\r\n", &call)).await;
        assert_eq!(called.result(), Ok(Value::Int(5)), "{path}");
    }
}

/// By `htpasswd -nbB -C 4 ana secret`.
const HASH: &str = "$2y$04$.h22kaNrgKORdj22qJtStOfWDvFz2YVLQ4nGV3fbX8byeBh.OQnqa";

/// The SHA-256 of `abc`.
const DIGEST: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

/// A file of accounts, which is there as long as the test.
struct Accounts(PathBuf);

impl Accounts {
    fn new(name: &str, text: &str) -> Self {
        let name = format!("callbox-page-{}-{name}.toml", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::write(&path, text.replace("HASH", HASH).replace("DIGEST", DIGEST)).unwrap();
        Self(path)
    }

    async fn start(&self) -> SocketAddr {
        let mut settings = Settings::default();
        settings.accounts.accounts = Some(self.0.clone());
        serve(Server::new(arithmetic()).settings(settings)).await
    }
}

impl Drop for Accounts {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

const ACCOUNTS: &str = "\
[user.ana]
password = \"HASH\"
methods = [\"addition\", \"system.*\"]
[token.ci]
sha256 = \"DIGEST\"
methods = [\"*\"]
";

fn basic(login: &str) -> String {
    format!("{BROWSER}Authorization: Basic {}\r\n", STANDARD.encode(login))
}

fn count(shown: &Response) -> &str {
    let (_, rest) = shown.text().split_once("<span class=\"count\">").unwrap();
    rest.split_once(" method").unwrap().0
}

#[tokio::test]
async fn everybody_is_shown_what_they_may_call() {
    let nobody = Accounts::new("nobody", ACCOUNTS);
    let anyone = format!("{ACCOUNTS}[anyone]\nmethods = [\"subtraction\"]\n");
    let anyone = Accounts::new("anyone", &anyone);
    let (closed, open) = (nobody.start().await, anyone.start().await);
    let check = async |addr, headers: &str, methods: &str, credentials: &str| {
        let shown = ask(addr, headers).await;
        assert_eq!((shown.status, count(&shown)), (200, methods), "{headers}");
        assert!(shown.text().contains(&format!("data-credentials=\"{credentials}\"")), "{headers}");
        assert!(shown.text().contains("Password or token"));
        shown
    };
    let shown = check(closed, BROWSER, "0", "omit").await;
    assert!(!shown.text().contains("addition"));
    let shown = check(open, BROWSER, "1", "omit").await;
    assert!(!shown.text().contains("addition"));
    let shown = check(closed, &basic("ana:secret"), "6", "same-origin").await;
    assert!(shown.text().contains("<span class=\"account\">for ana</span>"));
    assert!(!shown.text().contains("subtraction"));
    let token = format!("{BROWSER}Authorization: Bearer abc\r\n");
    check(open, &token, "7", "same-origin").await;
}

#[tokio::test]
async fn wrong_credentials_are_refused_and_good_ones_go_on() {
    let accounts = Accounts::new("wrong", ACCOUNTS);
    let addr = accounts.start().await;
    for wrong in [basic("ana:wrong"), format!("{BROWSER}Authorization: Bearer x\r\n")] {
        let refused = ask(addr, &wrong).await;
        assert_eq!(refused.status, 401, "{wrong}");
        assert!(refused.header("www-authenticate").is_some());
        assert!(!refused.text().contains("addition"));
    }
    // Who says nothing is shown it all the same.
    assert_eq!(ask(addr, BROWSER).await.status, 200);
    assert_eq!(ask(addr, &basic("ana:secret")).await.status, 200);
}

#[tokio::test]
async fn thousands_of_methods_are_shown() {
    let catalog = Catalog::new();
    let method = |index| {
        CatalogMethod::new(format!("d.m{index}"), "Help.", Arc::new(Nothing)).signature(["int"])
    };
    catalog.publish((0..5_000).map(method).collect(), vec![]).unwrap();
    let mut registry = Registry::new();
    registry.add_catalog(&catalog);
    let addr = serve(Server::new(registry)).await;
    let zipped = ask(addr, &format!("{BROWSER}Accept-Encoding: gzip\r\n")).await;
    assert_eq!(zipped.status, 200);
    let mut text = String::new();
    GzDecoder::new(&zipped.body[..]).read_to_string(&mut text).unwrap();
    assert_eq!(text.matches("<article").count(), 5_005);
    assert!(text.contains("5005 methods"));
}
