//! An instrument behind the gateway, with the file that `docs/gateway.md` shows for it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod gateway;
mod part;
#[path = "../../callbox-client/tests/python/mod.rs"]
mod python;
#[path = "../../svc-runtime/tests/support/mod.rs"]
mod support;

use std::thread;

use gateway::{Gateway, array, structure};
use part::Room;
use protocol::xmlrpc::{Fault, Value};
use python::Python;

const HEADING: &str = "An instrument by SCPI";

fn start(room: &Room) -> Option<(Python, Gateway)> {
    let supply = Python::start("scpi_supply.py", &[])?;
    let addr = format!("127.0.0.1:{}", supply.port);
    let gateway = room.gateway(HEADING, &[("supply:5025", &addr)]);
    Some((supply, gateway))
}

#[test]
fn supply_is_set_and_measured() {
    let room = Room::new("scpi");
    let Some((_supply, gateway)) = start(&room) else { return };
    let identity = structure(&[
        ("maker", "ACME".into()),
        ("model", "PSU-20".into()),
        ("serial", "0042".into()),
        ("version", "1.7".into()),
    ]);
    assert_eq!(gateway.call("supply.identity", &[]), Ok(identity));
    let set = |volts: f64| gateway.call("supply.set_voltage", &[volts.into()]);
    // What went wrong before is none of its errors.
    assert_eq!(set(12.5), Ok(Value::Nil));
    assert_eq!(gateway.call("supply.voltage", &[]), Ok(12.5.into()));
    assert_eq!(gateway.call("supply.is_on", &[]), Ok(false.into()));
    assert_eq!(gateway.call("supply.turn", &[true.into()]), Ok(Value::Nil));
    assert_eq!(gateway.call("supply.is_on", &[]), Ok(true.into()));
    let measured = array(vec![12.5.into(), 3.125.into()]);
    assert_eq!(gateway.call("supply.measure", &[]), Ok(measured));
    // Within what the file allows, and beyond what the instrument can.
    let refused = Err(Fault::new(-32500, "-222,\"Data out of range\""));
    assert_eq!((set(25.0), set(0.001)), (refused, Ok(Value::Nil)));
    for misfit in [Value::from(30.5), (-1.0).into(), "1;*RST".into()] {
        assert_eq!(gateway.fault("supply.set_voltage", &[misfit]), -32602);
    }
    assert_eq!(gateway.fault("supply.reset", &[]), -32601);
}

#[test]
fn callers_at_once_are_never_told_of_each_others_errors() {
    let room = Room::new("scpi-crowd");
    let Some((_supply, gateway)) = start(&room) else { return };
    thread::scope(|scope| {
        for caller in 0..8 {
            let gateway = &gateway;
            scope.spawn(move || {
                for _ in 0..10 {
                    let (volts, code) =
                        if caller % 2 == 0 { (5.0, None) } else { (25.0, Some(-32500)) };
                    let set = gateway.call("supply.set_voltage", &[volts.into()]);
                    assert_eq!(set.err().map(|fault| fault.code), code, "{volts}");
                }
            });
        }
    });
    assert_eq!(gateway.call("supply.voltage", &[]), Ok(5.0.into()));
}
