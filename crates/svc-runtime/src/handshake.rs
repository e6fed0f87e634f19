//! The TLS handshake that a new connection begins with.

use std::io;
use std::time::Duration;

use tokio::time::timeout;
use tracing::debug;

use crate::held::Held;
use crate::linger::linger;
use crate::metrics::Refusal;
use crate::stop::Stop;
use crate::stream::{Origin, Secrecy, Stream};
use crate::tls::{Tls, TlsStream, client_subject};
use crate::transport::Transport;

/// What the first record of every peer begins with that speaks TLS (RFC 8446, 5.1).
const HANDSHAKE_RECORD: u8 = 22;

/// What TLS takes of a connection that is idle, in bytes, and the handshake before.
const TLS_BYTES: usize = 32 * 1024;

/// What a peer may do where TLS is spoken.
#[derive(Debug, Clone, Copy)]
pub struct HandshakeTerms {
    /// How long it may take until the handshake is made.
    pub deadline: Duration,
    /// What it is told where it does not speak TLS, in its own words.
    pub plain_answer: &'static [u8],
}

/// Makes the handshake. A peer that does not speak TLS, or not in time, is let go, and so is one
/// that is not done at the stop; `refused` is told why, but for the latter.
pub(crate) async fn make(
    tls: Tls,
    transport: Transport,
    origin: Origin,
    terms: HandshakeTerms,
    stop: &Stop,
    refused: impl FnOnce(Refusal),
) -> Option<(Stream, Origin)> {
    let shaken = tokio::select! {
        biased;
        shaken = timeout(terms.deadline, shake(&tls, transport, &origin.held, terms.plain_answer)) => shaken,
        () = stop.told() => return None,
    };
    match shaken {
        Ok(Ok(stream)) => {
            let certificate = client_subject(&stream);
            origin.held.waits(false);
            let origin = Origin { secrecy: Secrecy::Private, certificate, ..origin };
            Some((Stream::Tls(Box::new(stream)), origin))
        }
        Ok(Err((error, mut transport))) => {
            debug!(peer = %origin.peer, listener = origin.listener, %error, "no TLS handshake");
            // Else a port scanner, or whoever looks whether somebody listens; or it was told already.
            if !matches!(error.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::OutOfMemory) {
                refused(Refusal::Handshake);
            }
            // Or a reset would overtake what it was told.
            linger(&mut transport).await;
            None
        }
        Err(_) => {
            refused(Refusal::SlowHandshake);
            None
        }
    }
}

async fn shake(
    tls: &Tls,
    transport: Transport,
    held: &Held,
    plain_answer: &[u8],
) -> Result<TlsStream, (io::Error, Transport)> {
    match transport.first_byte().await {
        Ok(Some(byte)) if byte != HANDSHAKE_RECORD => {
            // A new socket's send buffer is empty: it fits, or the peer has gone.
            let _ = transport.try_write(plain_answer);
            Err((io::Error::other("the peer does not speak TLS"), transport))
        }
        // Nothing is kept for it until it has said something.
        Ok(_) => {
            held.waits(true);
            match held.grow(TLS_BYTES) {
                Ok(()) => tls.accept(transport).await,
                Err(error) => Err((error, transport)),
            }
        }
        Err(error) => Err((error, transport)),
    }
}
