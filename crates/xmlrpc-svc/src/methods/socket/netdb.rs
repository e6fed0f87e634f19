//! `getservbyname`, `getprotobyname`: services and protocols by their names.

use std::fs;

use callbox::Registry;

use super::failure;

/// Largest file that is read.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// What is known where the system has no files, as images from scratch have none.
const SERVICES: &str = include_str!("services.txt");
const PROTOCOLS: &str = include_str!("protocols.txt");

/// The names that are known, from when the service started.
pub(super) struct Netdb {
    services: Vec<Service>,
    protocols: Vec<Protocol>,
}

struct Service {
    names: Vec<String>,
    port: u16,
    protocol: String,
}

struct Protocol {
    names: Vec<String>,
    number: u16,
}

impl Netdb {
    /// What the system's files say; where there is none, a table of our own.
    pub(super) fn of_system() -> Self {
        Self::of(
            read("/etc/services").as_deref().unwrap_or(SERVICES),
            read("/etc/protocols").as_deref().unwrap_or(PROTOCOLS),
        )
    }

    fn of(services: &str, protocols: &str) -> Self {
        Self {
            services: lines(services).filter_map(Service::parse).collect(),
            protocols: lines(protocols).filter_map(Protocol::parse).collect(),
        }
    }

    fn port(&self, name: &str, protocol: Option<&str>) -> Option<u16> {
        let is_it = |service: &&Service| {
            protocol.is_none_or(|protocol| protocol == service.protocol)
                && service.names.iter().any(|own| own == name)
        };
        self.services.iter().find(is_it).map(|service| service.port)
    }

    fn number(&self, name: &str) -> Option<u16> {
        let is_it = |protocol: &&Protocol| protocol.names.iter().any(|own| own == name);
        self.protocols.iter().find(is_it).map(|protocol| protocol.number)
    }
}

impl Service {
    /// A line such as `http 80/tcp www`.
    fn parse(words: Vec<&str>) -> Option<Self> {
        let (port, protocol) = words.get(1)?.split_once('/')?;
        let (port, protocol) = (port.parse().ok()?, protocol.to_owned());
        Some(Self { names: names(&words), port, protocol })
    }
}

impl Protocol {
    /// A line such as `tcp 6 TCP`.
    fn parse(words: Vec<&str>) -> Option<Self> {
        let number = words.get(1)?.parse().ok()?;
        Some(Self { names: names(&words), number })
    }
}

/// The first word, and the aliases behind the second one.
fn names(words: &[&str]) -> Vec<String> {
    let names = words.first().into_iter().chain(words.iter().skip(2));
    names.map(|&name| name.to_owned()).collect()
}

/// The words of each line, without what is said about them.
fn lines(text: &str) -> impl Iterator<Item = Vec<&str>> {
    let lines = text.lines().map(|line| line.split('#').next().unwrap_or_default());
    lines.map(|line| line.split_ascii_whitespace().collect())
}

fn read(path: &str) -> Option<String> {
    let is_small = fs::metadata(path).ok()?.len() <= MAX_FILE_BYTES;
    let bytes = if is_small { fs::read(path).ok()? } else { return None };
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// Publishes the functions.
pub(super) fn add(registry: &mut Registry, netdb: Netdb) {
    let mut netdb = registry.with(netdb);
    netdb
        .add(
            "socket.getservbyname",
            "Tells the port of a service, such as http, by the protocol tcp or udp, or by either.",
            |netdb: &Netdb, servicename: String, protocolname: Option<String>| {
                let port = netdb.port(&servicename, protocolname.as_deref());
                port.ok_or_else(|| failure("service/proto not found")).map(i32::from)
            },
        )
        .names(["servicename", "protocolname"]);
    netdb
        .add(
            "socket.getprotobyname",
            "Tells the number of a protocol, such as tcp.",
            |netdb: &Netdb, protocolname: String| {
                let number = netdb.number(&protocolname);
                number.ok_or_else(|| failure("protocol not found")).map(i32::from)
            },
        )
        .names(["protocolname"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_aliases_are_found_and_comments_are_not() {
        let netdb = Netdb::of(
            "# all\necho 7/udp\nhttp\t80/tcp www  # web\nhttp 81/udp\nodd\nx 99999/tcp\n",
            "ip 0 IP # itself\ntcp 6 TCP\n",
        );
        let port = |name, protocol| netdb.port(name, protocol);
        assert_eq!(port("http", None), Some(80));
        assert_eq!(port("www", Some("tcp")), Some(80));
        assert_eq!(port("http", Some("udp")), Some(81));
        assert_eq!(port("echo", Some("tcp")), None);
        for name in ["web", "odd", "x", "80/tcp", "#", ""] {
            assert_eq!(port(name, None), None, "{name}");
        }
        assert_eq!(netdb.number("TCP"), Some(6));
        assert_eq!(netdb.number("itself"), None);
    }

    #[test]
    fn own_tables_know_what_everybody_does() {
        let netdb = Netdb::of(SERVICES, PROTOCOLS);
        assert_eq!(netdb.port("https", Some("tcp")), Some(443));
        assert_eq!(netdb.port("domain", Some("udp")), Some(53));
        assert_eq!(netdb.number("udp"), Some(17));
        // Nothing of them was left out.
        let all = |table| lines(table).filter(|words| !words.is_empty()).count();
        assert_eq!(netdb.services.len(), all(SERVICES));
        assert_eq!(netdb.protocols.len(), all(PROTOCOLS));
    }
}
