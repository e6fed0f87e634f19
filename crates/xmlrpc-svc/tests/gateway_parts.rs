//! Line services that people have, behind the gateway: the real programs, each with the gateway file
//! that `docs/gateway.md` shows for it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
mod part;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use gateway::{Gateway, array, structure, texts};
use part::{Part, Room, example, free_port};
use protocol::xmlrpc::{Fault, Value};
use support::{exchange, wait_until};

/// Checks that what the page does not publish is not there, and that a parameter that does not fit
/// is refused, one by one and in a multicall.
#[track_caller]
fn check_refusals(gateway: &Gateway, unpublished: &str, misfits: &[(&str, &[Value])]) {
    assert_eq!(gateway.fault(unpublished, &[]), -32601, "{unpublished}");
    assert_eq!(gateway.multicall(&[(unpublished, &[])]), [Err(-32601)], "{unpublished}");
    for (name, params) in misfits {
        assert_eq!(gateway.fault(name, params), -32602, "{name} {params:?}");
        assert_eq!(gateway.multicall(&[(name, params)]), [Err(-32602)], "{name} {params:?}");
    }
}

#[test]
fn redis_counts_and_keeps_texts() {
    let room = Room::new("redis");
    let port = free_port();
    let args = ["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", ""];
    let mut redis = Part::start(&room, "redis-server", "redis-server", &args);
    redis.wait_for_port(port);
    let gateway = room.gateway("Redis", &[("redis:6379", &format!("127.0.0.1:{port}"))]);
    let get = |key: &str| gateway.call("redis.get", &[key.into()]);
    let set = |key: &str, text: &str| gateway.call("redis.set", &[key.into(), text.into()]);
    assert_eq!(get("no:such"), Ok(Value::Nil));
    for text in ["", "two words", "\"quoted\" \\n \\x00 %0a; é大", "$5", "-ERR"] {
        assert_eq!(set("a", text), Ok(Value::Nil), "{text}");
        assert_eq!(get("a"), Ok(text.into()));
    }
    let add = |by: i64| gateway.call("redis.increment", &["n".into(), by.into()]);
    assert_eq!((add(7), add(-9)), (Ok(7.into()), Ok((-2).into())));
    let wrong = gateway.call("redis.increment", &["a".into(), 1.into()]);
    let text = "-ERR value is not an integer or out of range";
    assert_eq!(wrong, Err(Fault::new(-32500, text)));
    check_refusals(
        &gateway,
        "redis.flushall",
        &[
            ("redis.get", &["a b".into()]),
            ("redis.get", &["a\r\nFLUSHALL".into()]),
            ("redis.set", &["a".into(), "x\nFLUSHALL".into()]),
            ("redis.increment", &["n".into(), 1_000_001.into()]),
        ],
    );
    let results = gateway.multicall(&[("redis.get", &["a".into()]), ("redis.get", &["n".into()])]);
    assert_eq!(results, [Ok("-ERR".into()), Ok("-2".into())]);
}

/// HAProxy with two servers, and its runtime socket.
fn haproxy(room: &Room) -> (Part, String) {
    let socket = room.path("h.sock");
    let settings = format!(
        "global\n stats socket {socket} level admin
defaults\n mode http\n timeout connect 1s\n timeout client 1s\n timeout server 1s
backend web\n server one 127.0.0.1:9 weight 7\n server two 127.0.0.1:9
frontend front\n bind unix@{}\n default_backend web\n",
        room.path("front.sock")
    );
    let args = ["-db", "-f", &room.write("haproxy.cfg", settings)];
    let mut haproxy = Part::start(room, "haproxy", "haproxy", &args);
    haproxy.wait_for_socket(&socket);
    (haproxy, socket)
}

#[test]
fn haproxy_shows_and_sets_the_state_of_its_servers() {
    let room = Room::new("haproxy");
    let (_haproxy, socket) = haproxy(&room);
    let gateway = room.gateway("HAProxy", &[("/run/haproxy/admin.sock", &socket)]);
    let info = || gateway.call("haproxy.info", &[]).unwrap();
    let member = |name: &str| info().as_struct().unwrap().get(name).unwrap().clone();
    assert_eq!(member("Name"), "HAProxy".into());
    let weight = |server: &str| gateway.call("haproxy.weight", &[server.into()]);
    assert_eq!((weight("web/one"), weight("web/two")), (Ok(7.into()), Ok(1.into())));
    let set = |server: &str, state: &str| {
        gateway.call("haproxy.set_state", &[server.into(), state.into()])
    };
    for state in ["drain", "maint", "ready"] {
        assert_eq!(set("web/one", state), Ok(Value::Nil), "{state}");
    }
    let refused = Err(Fault::new(-32500, "No such server."));
    assert_eq!((set("web/none", "ready"), weight("web/none")), (refused.clone(), refused));
    check_refusals(
        &gateway,
        "haproxy.shutdown",
        &[
            ("haproxy.set_state", &["web/one".into(), "off".into()]),
            ("haproxy.set_state", &["web/one;".into(), "ready".into()]),
            ("haproxy.weight", &["web/one; disable server web/one".into()]),
            ("haproxy.info", &["x".into()]),
        ],
    );
    // It closes after each of them.
    for _ in 0..200 {
        assert_eq!(weight("web/two"), Ok(1.into()));
    }
}

#[test]
fn haproxys_blank_line_ends_a_reply_too_where_it_may_be_asked_again() {
    let room = Room::new("haproxy-blank");
    let (_haproxy, socket) = haproxy(&room);
    let text =
        example("HAProxy").replace("reply = \"close\"", "reply = \"blank\"\nidempotent = true");
    let gateway = room.gateway_of(text, &[("/run/haproxy/admin.sock", &socket)]);
    let weight = || gateway.call("haproxy.weight", &["web/one".into()]);
    for _ in 0..200 {
        assert_eq!(weight(), Ok(7.into()));
    }
}

#[test]
fn memcached_counts_and_tells_texts_by_their_length() {
    let room = Room::new("memcached");
    let port = free_port();
    let args = ["-l", "127.0.0.1", "-p", &port.to_string(), "-U", "0", "-u", "root"];
    let mut memcached = Part::start(&room, "memcached", "memcached", &args);
    memcached.wait_for_port(port);
    let gateway = room.gateway("memcached", &[("memcached:11211", &format!("127.0.0.1:{port}"))]);
    let call = |name: &str, key: &str| gateway.call(name, &[key.into()]);
    let begin = |key: &str| gateway.call("cache.begin_counter", &[key.into(), 60.into()]);
    assert_eq!(call("cache.count", "n"), Err(Fault::new(-32500, "NOT_FOUND")));
    assert_eq!(call("cache.get", "n"), Err(Fault::new(-32500, "EN")));
    assert_eq!(begin("n"), Ok(Value::Nil));
    assert_eq!((call("cache.count", "n"), call("cache.count", "n")), (Ok(1.into()), Ok(2.into())));
    assert_eq!(call("cache.get", "n"), Ok("2".into()));
    // Text that looks like the end of a reply, and is none.
    let set = "set t 0 0 11\r\nEN\r\nEND\r\né\r\nquit\r\n";
    assert_eq!(exchange(([127, 0, 0, 1], port).into(), set), "STORED\r\n");
    assert_eq!(call("cache.get", "t"), Ok("EN\r\nEND\r\né".into()));
    let refused = call("cache.count", "t").unwrap_err();
    assert!(refused.code == -32500 && refused.message.starts_with("CLIENT_ERROR"), "{refused:?}");
    let version = gateway.call("cache.version", &[]).unwrap();
    assert!(version.as_str().unwrap().starts_with("1."), "{version:?}");
    check_refusals(
        &gateway,
        "cache.flush_all",
        &[
            ("cache.get", &["a b".into()]),
            ("cache.get", &["a\r\nflush_all".into()]),
            ("cache.begin_counter", &["n".into(), 0.into()]),
        ],
    );
}

#[test]
fn nut_tells_of_a_ups_and_takes_a_name_for_it_from_who_has_logged_in() {
    let room = Room::new("nut");
    let port = free_port();
    room.write("ups.conf", "maxretry = 1\n[lab]\ndriver = dummy-ups\nport = lab.dev\n");
    room.write("lab.dev", "ups.status: OL CHRG\nbattery.charge: 90.5\nups.id: old\n");
    room.write("upsd.conf", format!("LISTEN 127.0.0.1 {port}\n"));
    room.write("upsd.users", "[gateway]\npassword = s3cret\nactions = SET\n");
    room.write("nut.login", "USERNAME gateway\nPASSWORD s3cret\n");
    let args = ["-F", "-a", "lab", "-u", "root"];
    let mut driver = Part::start(&room, "dummy-ups", "nut-server", &args);
    // It minds one who connects and goes.
    let socket = room.path("dummy-ups-lab");
    driver.wait_until("its socket is there", || std::fs::exists(&socket).unwrap());
    let mut upsd = Part::start(&room, "upsd", "nut-server", &["-F", "-u", "root"]);
    upsd.wait_for_port(port);
    let gateway = room.gateway("NUT", &[("nut:3493", &format!("127.0.0.1:{port}"))]);
    let call = |name: &str, ups: &str| gateway.call(name, &[ups.into()]);
    upsd.wait_until("the driver has told all", || call("ups.charge", "lab").is_ok());
    assert_eq!(call("ups.charge", "lab"), Ok(90.5.into()));
    assert_eq!(call("ups.status", "lab"), Ok("OL CHRG".into()));
    assert_eq!(call("ups.status", "no"), Err(Fault::new(-32500, "ERR UNKNOWN-UPS")));
    let set = |name: &str| gateway.call("ups.name", &["lab".into(), name.into()]);
    assert_eq!(set("rack 3, left"), Ok(Value::Nil));
    let line = "VAR lab ups.id \"rack 3, left\"";
    let variables = || call("ups.variables", "lab").unwrap();
    upsd.wait_until("the name is there", || {
        let variables = variables();
        let mut lines = variables.as_array().unwrap().iter();
        lines.any(|variable| variable.as_str() == Some(line))
    });
    check_refusals(
        &gateway,
        "ups.shutdown",
        &[
            ("ups.charge", &["lab battery.charge".into()]),
            ("ups.charge", &["lab\nFSD lab".into()]),
            ("ups.name", &["lab".into(), "a\nFSD lab".into()]),
            ("ups.name", &["lab".into(), "x".repeat(33).into()]),
            ("ups.name", &["lab".into(), "\"; FSD lab".into()]),
        ],
    );
    assert!(!gateway.process.stderr().contains("s3cret"), "{}", gateway.process.stderr());
    // Who has no login is told so.
    room.write("upsd.users", "");
    room.write("nut.login", "USERNAME gateway\nPASSWORD another\n");
    gateway.hang_up();
    wait_until("the other login holds", || {
        set("x") == Err(Fault::new(-32500, "ERR ACCESS-DENIED"))
    });
}

#[test]
fn rigctld_tunes_its_radio() {
    let room = Room::new("rigctld");
    let port = free_port();
    let args = ["-m", "1", "-T", "127.0.0.1", "-t", &port.to_string()];
    let mut rigctld = Part::start(&room, "rigctld", "libhamlib-utils", &args);
    rigctld.wait_for_port(port);
    let gateway = room.gateway("rigctld", &[("radio:4532", &format!("127.0.0.1:{port}"))]);
    let tune = |hertz: i64| gateway.call("radio.set_frequency", &[hertz.into()]);
    for hertz in [14_074_000, 2_400_000_000] {
        assert_eq!(tune(hertz), Ok(Value::Nil));
        assert_eq!(gateway.call("radio.frequency", &[]), Ok(hertz.into()));
    }
    let set = gateway.call("radio.set_mode", &["USB".into(), 2_400.into()]);
    assert_eq!(set, Ok(Value::Nil));
    let mode = structure(&[("mode", "USB".into()), ("hertz", "2400".into())]);
    assert_eq!(gateway.call("radio.mode", &[]), Ok(mode));
    let results = gateway.multicall(&[
        ("radio.set_frequency", &[7_000_000.into()]),
        ("radio.frequency", &[]),
        ("radio.transmit", &[]),
    ]);
    assert_eq!(results, [Ok(Value::Nil), Ok(7_000_000.into()), Err(-32601)]);
    check_refusals(
        &gateway,
        "radio.transmit",
        &[
            ("radio.set_frequency", &[(-1).into()]),
            ("radio.set_frequency", &[3_000_000_001_i64.into()]),
            ("radio.set_frequency", &["7 +T 1".into()]),
            ("radio.set_mode", &["FM\n+T 1".into(), 0.into()]),
        ],
    );
    // What it refuses it says with a number.
    let text = std::fs::read_to_string(&gateway.file.0).unwrap();
    gateway.file.write(&text.replace("+f", "+V nowhere"));
    gateway.hang_up();
    wait_until("another command is sent", || {
        gateway
            .call("radio.frequency", &[])
            .is_err_and(|fault| fault.code == -32500 && fault.message.starts_with("RPRT -"))
    });
}

/// A second of silence.
fn wave() -> Vec<u8> {
    let (rate, data) = (8_000_u32, 16_000_u32);
    let numbers =
        |numbers: &[u32]| numbers.iter().flat_map(|n| n.to_le_bytes()).collect::<Vec<_>>();
    let format = numbers(&[16, 0x0001_0001, rate, 2 * rate, 0x0010_0002]);
    let head = [b"RIFF", &numbers(&[36 + data])[..], b"WAVEfmt ", &format, b"data"].concat();
    [head, numbers(&[data]), vec![0; data as usize]].concat()
}

#[test]
fn mpd_greets_and_plays_what_it_is_told() {
    let room = Room::new("mpd");
    let port = free_port();
    let name = "a \"quoted\" é.wav";
    room.write(name, wave());
    let settings = format!(
        "music_directory \"{0}\"\ndb_file \"{0}db\"\nbind_to_address \"127.0.0.1\"\nport \"{port}\"
zeroconf_enabled \"no\"\naudio_output {{\n type \"null\"\n name \"null\"\n mixer_type \"null\"\n}}\n",
        room.path("")
    );
    let args = ["--no-daemon", "--stderr", &room.write("mpd.conf", settings)];
    let mut mpd = Part::start(&room, "mpd", "mpd", &args);
    mpd.wait_for_port(port);
    let gateway = room.gateway("MPD", &[("mpd:6600", &format!("127.0.0.1:{port}"))]);
    let status = |name: &str| {
        let status = gateway.call("music.status", &[]).unwrap();
        status.as_struct().unwrap().get(name).cloned()
    };
    assert_eq!(status("state"), Some("stop".into()));
    assert_eq!(gateway.call("music.set_volume", &[30.into()]), Ok(Value::Nil));
    assert_eq!(status("volume"), Some("30".into()));
    assert_eq!(gateway.call("music.queue", &[]), Ok(array(vec![])));
    let add = |path: &str| gateway.call("music.add", &[path.into()]);
    mpd.wait_until("it knows its files", || add(name).is_ok());
    assert_eq!(gateway.call("music.queue", &[]), Ok(texts(&[&format!("0:file: {name}")])));
    let refused = add("no.wav").unwrap_err();
    assert!(refused.code == -32500 && refused.message.starts_with("ACK [50@0]"), "{refused:?}");
    check_refusals(
        &gateway,
        "music.kill",
        &[
            ("music.set_volume", &[101.into()]),
            ("music.add", &["x\nkill".into()]),
            ("music.add", &["x".repeat(257).into()]),
        ],
    );
    assert_eq!(status("playlistlength"), Some("1".into()));
}
