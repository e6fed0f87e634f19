//! gpsd behind the gateway, with the file that `docs/gateway.md` shows for it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
mod part;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::net::UdpSocket;

use gateway::structure;
use part::{Part, Room, free_port};

/// What a receiver says that stands at 48 degrees 7.038 minutes north, and 11 degrees 31 minutes
/// east.
const SENTENCES: [&str; 2] = [
    "GPRMC,123519.00,A,4807.038,N,01131.000,E,022.4,084.4,010126,003.1,W",
    "GPGGA,123519.00,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,",
];

/// Sentences as NMEA 0183 has them.
fn report() -> Vec<u8> {
    let sentences = SENTENCES.map(|text| {
        let sum = text.bytes().fold(0, |sum, byte| sum ^ byte);
        format!("${text}*{sum:02X}\r\n")
    });
    sentences.concat().into_bytes()
}

#[test]
fn gpsd_tells_where_it_is_as_soon_as_it_knows() {
    let room = Room::new("gpsd");
    let (port, receiver) = (free_port(), UdpSocket::bind("127.0.0.1:0").unwrap());
    let source = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let args = ["-N", "-n", "-S", &port.to_string(), &format!("udp://{source}")];
    let mut gpsd = Part::start(&room, "gpsd", "gpsd", &args);
    gpsd.wait_for_port(port);
    room.write("gps.login", "?WATCH={\"enable\":true};\n");
    let gateway = room.gateway("gpsd", &[("gpsd:2947", &format!("127.0.0.1:{port}"))]);
    gpsd.wait_until("it polls", || gateway.call("gps.receivers", &[]).is_ok());
    assert_eq!(gateway.fault("gps.position", &[]), -32300);
    gpsd.wait_until("it knows", || {
        receiver.send_to(&report(), source).unwrap();
        gateway.call("gps.position", &[]).is_ok()
    });
    let position = structure(&[("north", 48.1173.into()), ("east", 11.516666667.into())]);
    assert_eq!(gateway.call("gps.position", &[]), Ok(position));
    assert_eq!(gateway.call("gps.receivers", &[]), Ok(1.into()));
    // Nothing that it said of its own accord was taken for a reply.
    for _ in 0..20 {
        receiver.send_to(&report(), source).unwrap();
        assert!(gateway.call("gps.position", &[]).is_ok());
    }
    assert_eq!(gateway.fault("gps.quit", &[]), -32601);
}
