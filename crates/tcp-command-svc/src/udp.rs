//! Commands by UDP: a datagram is a command, and its reply is one too, to where it came from. Nothing
//! proves where that is, so that not all are answered: no two services talk to each other for ever,
//! and nobody is flooded through us.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use protocol::command::{Command, Vocabulary};
use svc_runtime::datagrams::{Answerer, Datagrams};
use svc_runtime::listener::ListenError;
use svc_runtime::metrics::{Counter, Family, Metrics};
use svc_runtime::network::unmapped;
use svc_runtime::source::Source;
use tracing::debug;

use crate::commands::Commands;
use crate::config::UdpSettings;
use crate::pace::{Pace, Refused};

/// Longest reply by UDP, in bytes.
pub const MAX_REPLY_BYTES: usize = 512;

/// Ports under this one are those of services, which might answer a reply.
const FIRST_PORT: u16 = 1024;

const ROLE: &str = "command-udp";

/// Receives where `settings` say, and answers by `commands`.
pub async fn bind_all(
    settings: &UdpSettings,
    commands: &Commands,
    metrics: &Metrics,
) -> Result<Vec<Datagrams>, ListenError> {
    if settings.udp_listen.is_empty() {
        return Ok(Vec::new());
    }
    let family: Family<Counter> =
        metrics.family("callbox_datagrams", "Datagrams, by whether they were answered or why not");
    let counts = Outcome::ALL.map(|outcome| family.series([("result", outcome.name())]));
    let pace = Arc::new(Mutex::new(Pace::new(settings.udp_rate, Instant::now())));
    let answerer = || UdpAnswerer {
        commands: commands.clone(),
        pace: pace.clone(),
        counts: counts.clone(),
        reply: Vec::new(),
    };
    Datagrams::bind_all(ROLE, &settings.udp_listen, answerer).await
}

/// What becomes of a datagram.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Answered,
    /// It comes from where no client is: a broadcast or multicast address, or a low port.
    Source,
    /// It is no command.
    Unknown,
    /// Its address was answered as often as may be.
    Rate,
    /// Its address is unknown, and as many as may be are remembered.
    Full,
    /// Its reply is too long, or a command itself.
    Reply,
}

impl Outcome {
    const ALL: [Self; 6] =
        [Self::Answered, Self::Source, Self::Unknown, Self::Rate, Self::Full, Self::Reply];

    fn name(self) -> &'static str {
        match self {
            Self::Answered => "answered",
            Self::Source => "source",
            Self::Unknown => "unknown",
            Self::Rate => "rate",
            Self::Full => "full",
            Self::Reply => "reply",
        }
    }
}

struct UdpAnswerer {
    commands: Commands,
    /// Of all sockets together.
    pace: Arc<Mutex<Pace>>,
    counts: [Counter; Outcome::ALL.len()],
    reply: Vec<u8>,
}

impl Answerer for UdpAnswerer {
    fn answer(&mut self, datagram: &[u8], peer: SocketAddr) -> Option<&[u8]> {
        let outcome = self.judge(datagram, peer);
        debug!(%peer, ?outcome, "datagram");
        self.counts[outcome as usize].inc();
        (outcome == Outcome::Answered).then_some(&self.reply)
    }
}

impl UdpAnswerer {
    fn judge(&mut self, datagram: &[u8], peer: SocketAddr) -> Outcome {
        if !is_client(peer) {
            return Outcome::Source;
        }
        let known = self.commands.known();
        let command = known.vocabulary.parse(without_line_end(datagram));
        if command == Command::Unknown {
            return Outcome::Unknown;
        }
        let reply = self.commands.reply(&known, command, &unmapped(peer));
        if !may_be_sent(&reply, &known.vocabulary) {
            return Outcome::Reply;
        }
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        match pace.admit(Source::from(peer.ip()), Instant::now()) {
            Err(Refused::Often) => return Outcome::Rate,
            Err(Refused::Full) => return Outcome::Full,
            Ok(()) => known.answered(command, 1),
        }
        drop(pace);
        self.reply.clear();
        self.reply.extend_from_slice(reply.as_bytes());
        Outcome::Answered
    }
}

fn is_client(peer: SocketAddr) -> bool {
    let is_one = match peer.ip().to_canonical() {
        IpAddr::V4(ip) => !ip.is_broadcast() && !ip.is_multicast() && !ip.is_unspecified(),
        IpAddr::V6(ip) => !ip.is_multicast() && !ip.is_unspecified(),
    };
    is_one && peer.port() >= FIRST_PORT
}

fn may_be_sent(reply: &str, vocabulary: &Vocabulary) -> bool {
    reply.len() <= MAX_REPLY_BYTES && vocabulary.parse(reply.as_bytes()) == Command::Unknown
}

fn without_line_end(datagram: &[u8]) -> &[u8] {
    let text = datagram.strip_suffix(b"\n").unwrap_or(datagram);
    text.strip_suffix(b"\r").unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::command::ReplyText;

    #[test]
    fn clients_are_told_from_what_would_answer_or_spread_a_reply() {
        for (peer, expected) in [
            ("192.0.2.1:1024", true),
            ("192.0.2.1:1023", false),
            ("192.0.2.1:0", false),
            ("255.255.255.255:5000", false),
            ("224.0.0.251:5353", false),
            ("239.255.255.255:5000", false),
            ("0.0.0.0:5000", false),
            ("[2001:db8::1]:5000", true),
            ("[2001:db8::1]:53", false),
            ("[ff02::1]:5000", false),
            ("[::]:5000", false),
            ("[::ffff:192.0.2.1]:5000", true),
            ("[::ffff:224.0.0.1]:5000", false),
            ("[::ffff:255.255.255.255]:5000", false),
        ] {
            assert_eq!(is_client(peer.parse().unwrap()), expected, "{peer}");
        }
    }

    #[test]
    fn one_line_end_is_dropped() {
        for (datagram, text) in [
            (&b"hello"[..], &b"hello"[..]),
            (b"hello\n", b"hello"),
            (b"hello\r\n", b"hello"),
            (b"hello\r", b"hello"),
            (b"hello\n\n", b"hello\n"),
            (b"hello\r\r", b"hello\r"),
            (b"\n", b""),
            (b"", b""),
        ] {
            assert_eq!(without_line_end(datagram), text, "{datagram:?}");
        }
    }

    #[test]
    fn reply_that_is_long_or_a_command_is_not_sent() {
        let mut vocabulary = Vocabulary::empty();
        vocabulary.add_own("ping", ReplyText::parse("pong").unwrap(), false).unwrap();
        assert!(may_be_sent("pong", &vocabulary) && may_be_sent(&"x".repeat(512), &vocabulary));
        assert!(!may_be_sent("ping", &vocabulary) && !may_be_sent(&"x".repeat(513), &vocabulary));
    }
}
