//! Upstreams by HTTPS: whom the gateway believes, who it is to them, and what is told where that
//! fails.
#![allow(clippy::unwrap_used, clippy::panic)]

#[path = "../../svc-runtime/tests/support/authority.rs"]
mod authority;
mod gateway;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use authority::{Authority, Identity, Validity};
use gateway::{Gateway, GatewayFile};
use protocol::xmlrpc::{Fault, Value};
use support::{Process, run_to_end};

const BINARY: &str = env!("CARGO_BIN_EXE_xmlrpc-svc");
const PORTS: [&str; 4] = ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"];

/// A server that shows `identity`.
fn server(identity: &Identity, args: &[&str]) -> Process {
    let tls = ["--tls-listen", "0.0.0.0:0"];
    Process::start(BINARY, &[&PORTS[..], &tls, &identity.args()[..], args].concat(), &[], 3)
}

/// A gateway file for the server at `host`, with more keys of files.
fn file(server: &Process, host: &str, files: &[(&str, &str)]) -> String {
    let port = server.addr("xmlrpc-tls").port();
    let files = files.iter().map(|(key, path)| format!("{key} = \"{path}\"\n"));
    let files: String = files.collect();
    format!(
        "[upstream.up]\nkind = \"xmlrpc\"\nurl = \"https://{host}:{port}\"\n{files}\
         [publish.up]\nprefix = \"up.\"\nallow = [\"addition\"]\n"
    )
}

fn sum(gateway: &Gateway) -> Result<Value, Fault> {
    gateway.call("up.addition", &[2.into(), 3.into()])
}

/// A call fails, and the log tells `why`; the caller is told nothing of it.
#[track_caller]
fn check_refused(gateway: &Gateway, why: &str) {
    let unreachable = Fault::new(-32400, "the upstream service cannot be reached");
    assert_eq!(sum(gateway), Err(unreachable));
    gateway.process.wait_for_log("an upstream service failed");
    let log = gateway.process.stderr();
    assert!(log.contains(why), "{log}");
}

#[test]
fn server_is_believed_whose_certificate_its_authority_has_made() {
    let authority = Authority::new();
    let server = server(&authority.localhost(), &[]);
    let ca = authority.certificate();
    for host in ["localhost", "127.0.0.1"] {
        let gateway = Gateway::start(&file(&server, host, &[("ca", &ca)]));
        for _ in 0..3 {
            assert_eq!(sum(&gateway), Ok(5.into()));
        }
        gateway.wait_for_name("up.addition");
    }
}

#[test]
fn certificate_of_another_name_authority_or_time_is_refused_and_the_log_says_why() {
    let authority = Authority::new();
    let ca = authority.certificate();
    let named = server(&authority.localhost(), &[]);
    let gateway = Gateway::start(&file(&named, "127.0.0.2", &[("ca", &ca)]));
    check_refused(&gateway, "certificate not valid for name \"127.0.0.2\"");

    let elsewhere = Authority::new();
    let gateway = Gateway::start(&file(&named, "localhost", &[("ca", &elsewhere.certificate())]));
    check_refused(&gateway, "invalid peer certificate: ");

    let old = server(&authority.issue("old", "/CN=localhost", Validity::Past), &[]);
    let gateway = Gateway::start(&file(&old, "localhost", &[("ca", &ca)]));
    check_refused(&gateway, "certificate expired");
}

#[test]
fn own_certificate_is_shown_to_a_server_that_asks_for_it() {
    let authority = Authority::new();
    let ca = authority.certificate();
    let server = server(&authority.localhost(), &["--tls-client-ca", &ca, "--tls-client-required"]);
    let robot = authority.issue("robot", "/CN=robot", Validity::Now);
    let files = [("ca", &*ca), ("cert", &robot.certificate), ("key", &robot.key)];
    let gateway = Gateway::start(&file(&server, "localhost", &files));
    assert_eq!(sum(&gateway), Ok(5.into()));
    let nobody = Gateway::start(&file(&server, "localhost", &[("ca", &ca)]));
    check_refused(&nobody, "alert");
}

#[test]
fn certificate_that_is_an_authoritys_itself_can_be_believed_as_one() {
    let (authority, elsewhere) = (Authority::new(), Authority::new());
    let own = authority.of_its_own(Validity::Now);
    let shown = server(&own, &[]);
    let files = [("ca", &*own.certificate)];
    let gateway = Gateway::start(&file(&shown, "localhost", &files));
    assert_eq!(sum(&gateway), Ok(5.into()));

    let other_name = Gateway::start(&file(&shown, "127.0.0.1", &files));
    check_refused(&other_name, "not valid for");
    let other = elsewhere.of_its_own(Validity::Now);
    let files = [("ca", &*other.certificate)];
    check_refused(&Gateway::start(&file(&shown, "localhost", &files)), "peer certificate");
    let old = elsewhere.of_its_own(Validity::Past);
    let files = [("ca", &*old.certificate)];
    let shown = server(&old, &[]);
    check_refused(&Gateway::start(&file(&shown, "localhost", &files)), "certificate expired");
}

#[test]
fn server_without_tls_is_told_apart() {
    let service = Process::start(BINARY, &PORTS, &[], 2);
    let authority = Authority::new();
    let port = service.addr("xmlrpc").port();
    let text = format!(
        "[upstream.up]\nkind = \"xmlrpc\"\nurl = \"https://localhost:{port}\"\nca = \"{}\"\n\
         [publish.up]\nprefix = \"up.\"\nallow = [\"addition\"]\n",
        authority.certificate()
    );
    check_refused(&Gateway::start(&text), "InvalidContentType");
}

#[test]
fn files_that_cannot_be_used_end_the_start() {
    let authority = Authority::new();
    let server = server(&authority.localhost(), &[]);
    let junk = authority.write("junk.pem", "secret\n");
    let file = GatewayFile::new(&file(&server, "localhost", &[("ca", &junk)]));
    let path = file.0.to_str().unwrap();
    let ended = run_to_end(BINARY, &[&PORTS[..], &["--gateway", path]].concat(), &[]);
    assert_eq!(ended.code, Some(2), "{ended:?}");
    let line = format!("{path}:4: ca: {junk}: expected certificates in PEM");
    assert!(ended.stderr.contains(&line), "{ended:?}");
    assert!(!ended.stderr.contains("secret"), "{ended:?}");
}
