//! XML-RPC servers that people have, behind the gateway: the real programs, each with the gateway
//! file that `docs/gateway.md` shows for it, called by CPython's client.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
mod part;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::path::Path;
use std::process::{Command, Output};

use gateway::Gateway;
use part::{Part, Room, find, free_port};
use support::wait_until;

/// Runs the part of the script beside this file that is called so.
#[track_caller]
fn run_python(which: &str, gateway: &Gateway) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/gateway_parts.py");
    let mut command = Command::new(find("python3", "python3"));
    let url = format!("http://{}", gateway.addr);
    let ran = command.arg(script).args([which, &url]).output().unwrap();
    assert!(ran.status.success(), "{}\n{}", told(&ran), gateway.process.stderr());
}

fn told(ran: &Output) -> String {
    String::from_utf8_lossy(&ran.stdout).into_owned() + &String::from_utf8_lossy(&ran.stderr)
}

/// Supervisor with two programs, of which one runs, at a socket and a port that ask for a password.
fn supervisor(room: &Room) -> (Part, u16) {
    let port = free_port();
    let server = "username = ana\npassword = s3cret\n";
    let (socket, log) = (room.path("s.sock"), room.path("s.log"));
    // A second after its start a program has begun to heed the signal that stops it. What they run
    // ends with its stdin, even where Supervisor is killed.
    let settings = format!(
        "[supervisord]\nnodaemon = true\nlogfile = {log}\npidfile = {log}.pid\nchildlogdir = {}
[unix_http_server]\nfile = {socket}\n{server}[inet_http_server]\nport = 127.0.0.1:{port}\n{server}
[supervisorctl]
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:web]\ncommand = /bin/cat\nautostart = false
[program:database]\ncommand = /bin/cat\nstartsecs = 0\n",
        room.path("")
    );
    let args = ["-c", &room.write("supervisord.conf", settings)];
    let mut part = Part::start(room, "supervisord", "supervisor", &args);
    part.wait_for_socket(&socket);
    part.wait_for_port(port);
    room.write("supervisor.login", "ana:s3cret\n");
    (part, port)
}

#[test]
fn supervisor_at_a_unix_socket_shows_and_does_what_is_allowed() {
    let room = Room::new("supervisor-unix");
    let _supervisor = supervisor(&room);
    let gateway = room.gateway("Supervisor", &[("/run/supervisor.sock", &room.path("s.sock"))]);
    gateway.wait_for_name("supervisor.getState");
    run_python("supervisor", &gateway);
    assert!(!gateway.process.stderr().contains("s3cret"), "{}", gateway.process.stderr());
}

#[test]
fn supervisor_at_a_port_shows_and_does_what_is_allowed() {
    let room = Room::new("supervisor-port");
    let (_supervisor, port) = supervisor(&room);
    let url = format!("http://127.0.0.1:{port}");
    let gateway = room.gateway("Supervisor", &[("http+unix:///run/supervisor.sock", &url)]);
    gateway.wait_for_name("supervisor.getState");
    run_python("supervisor", &gateway);
}

#[test]
fn supervisors_own_command_works_through_the_gateway() {
    let room = Room::new("supervisorctl");
    let _supervisor = supervisor(&room);
    let gateway = room.gateway("Supervisor", &[("/run/supervisor.sock", &room.path("s.sock"))]);
    let ctl = |args: &[&str]| {
        let url = format!("http://{}", gateway.addr);
        let mut command = Command::new(find("supervisorctl", "supervisor"));
        command.args(["-c", &room.path("supervisord.conf"), "-s", &url]);
        told(&command.args(args).output().unwrap())
    };
    let status = ctl(&["status"]);
    assert!(status.contains("database") && status.contains("RUNNING"), "{status}");
    assert_eq!(ctl(&["start", "web"]), "web: started\n");
    assert!(ctl(&["status", "web"]).contains("RUNNING"));
    assert_eq!(ctl(&["stop", "web"]), "web: stopped\n");
    let refused = ctl(&["stop", "database"]);
    assert!(refused.contains("-32602"), "{refused}");
    let refused = ctl(&["shutdown"]);
    assert!(refused.contains("-32601"), "{refused}");
    assert!(ctl(&["status", "database"]).contains("RUNNING"));
}

/// A torrent of one file, five thousand million bytes long, in fifty pieces.
fn torrent() -> Vec<u8> {
    let begin = "d8:announce19:http://127.0.0.1:1/4:infod6:lengthi5000000000e4:name6:lab é12:piece lengthi100000000e6:pieces1000:";
    [begin.as_bytes(), &[7; 1000], b"ee"].concat()
}

/// rTorrent with one download that is not started, and its `listener` for SCGI.
fn rtorrent(room: &Room, listener: &str) -> Part {
    let torrent = room.write("lab.torrent", torrent());
    let settings = format!(
        "system.daemon.set = true
network.port_open.set = no
dht.mode.set = disable
trackers.use_udp.set = no
{listener}
schedule2 = load, 0, 0, \"load.normal={torrent}\"\n"
    );
    let import = format!("import={}", room.write("rtorrent.rc", settings));
    Part::start(room, "rtorrent", "rtorrent", &["-n", "-o", &import])
}

#[track_caller]
fn check_torrents(gateway: &Gateway) {
    gateway.wait_for_name("rt.d.name");
    let downloads = || gateway.call("rt.download_list", &["".into()]);
    wait_until("the download is there", || {
        downloads().is_ok_and(|list| list.as_array().is_some_and(|list| list.len() == 1))
    });
    run_python("torrents", gateway);
}

#[test]
fn rtorrent_at_a_unix_socket_shows_and_does_what_is_allowed() {
    let room = Room::new("rtorrent-unix");
    let socket = room.path("r.sock");
    let mut rtorrent = rtorrent(&room, &format!("network.scgi.open_local = {socket}"));
    rtorrent.wait_for_socket(&socket);
    let gateway = room.gateway("rTorrent", &[("/run/rtorrent.sock", &socket)]);
    check_torrents(&gateway);
}

#[test]
fn rtorrent_at_a_port_shows_and_does_what_is_allowed() {
    let room = Room::new("rtorrent-port");
    let port = free_port();
    let mut rtorrent = rtorrent(&room, &format!("network.scgi.open_port = 127.0.0.1:{port}"));
    rtorrent.wait_for_port(port);
    let url = format!("scgi://127.0.0.1:{port}");
    let gateway = room.gateway("rTorrent", &[("scgi+unix:///run/rtorrent.sock", &url)]);
    check_torrents(&gateway);
}
