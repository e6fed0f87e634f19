//! Handshakes that `openssl s_client` makes.
#![allow(dead_code)]

use std::io::{Read, Write};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};

/// How one went.
#[derive(Debug)]
pub(crate) struct Handshake {
    /// Whether it came to its end, by the word of both sides, and the certificate was believed.
    pub(crate) is_made: bool,
    /// All that `s_client` told.
    pub(crate) output: String,
}

/// Makes a handshake at `addr`, believing `ca`, with more options of `s_client`. The server ends
/// the connection: it is asked for what it closes after.
pub(crate) fn handshake(addr: SocketAddr, ca: &str, args: &[&str]) -> Handshake {
    talk(addr, ca, args, "GET /healthz HTTP/1.0\r\n\r\n")
}

/// As [`handshake`], and says `words` inside of it.
pub(crate) fn talk(addr: SocketAddr, ca: &str, args: &[&str], words: &str) -> Handshake {
    let mut child = client(addr, ca, args);
    // It may have ended already.
    let _ = child.stdin.take().unwrap().write_all(words.as_bytes());
    let ran = child.wait_with_output().unwrap();
    let output = [ran.stdout, ran.stderr].map(|told| String::from_utf8_lossy(&told).into_owned());
    let output = output.concat();
    let is_made = ran.status.success() && output.contains("Verify return code: 0 (ok)");
    Handshake { is_made, output }
}

fn client(addr: SocketAddr, ca: &str, args: &[&str]) -> Child {
    let addr = addr.to_string();
    Command::new("openssl")
        .args(["s_client", "-connect", &addr, "-servername", "localhost", "-CAfile", ca])
        .args(["-verify_return_error", "-verify_hostname", "localhost", "-ign_eof"])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A peer that stays.
pub(crate) struct Session(Child);

impl Session {
    /// One at `addr`, believing `ca`.
    pub(crate) fn start(addr: SocketAddr, ca: &str) -> Self {
        Self(client(addr, ca, &["-quiet"]))
    }

    /// Says `words`, and waits for `expected`.
    #[track_caller]
    pub(crate) fn says_and_is_told(&mut self, words: &str, expected: &str) {
        self.0.stdin.as_mut().unwrap().write_all(words.as_bytes()).unwrap();
        let mut told = vec![0; expected.len()];
        self.0.stdout.as_mut().unwrap().read_exact(&mut told).unwrap();
        assert_eq!(String::from_utf8_lossy(&told), expected);
    }

    /// What it is told until the server ends the connection, and of what it complains.
    pub(crate) fn rest(self) -> String {
        let ran = self.0.wait_with_output().unwrap();
        [ran.stdout, ran.stderr].map(|told| String::from_utf8_lossy(&told).into_owned()).concat()
    }
}

impl Handshake {
    /// The certificate that was shown, in PEM.
    #[track_caller]
    pub(crate) fn certificate(&self) -> &str {
        let (begin, end) = ("-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----");
        let begun = self.output.find(begin).unwrap_or_else(|| panic!("{self:?}"));
        &self.output[begun..self.output.find(end).unwrap()]
    }
}
