//! How a connection is closed without the loss of its last words.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::stream::Stream;
use crate::transport::Transport;

/// Longest and largest read of a peer whose connection is being closed.
pub const MAX_LINGER: (Duration, u64) = (Duration::from_secs(1), 64 * 1024);

/// Closes so that the last words reach the peer: ends the sending side and discards input until
/// the peer ends its own, within [`MAX_LINGER`]. Unread input would make the close a reset,
/// which destroys what the peer has not read yet.
pub async fn linger<S: AsyncRead + AsyncWrite + Unpin>(stream: &mut S) {
    let (time, bytes) = MAX_LINGER;
    let discard = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream.take(bytes), &mut tokio::io::sink()).await
    };
    let _ = timeout(time, discard).await;
}

/// The same for a stream of which nothing else is wanted: where it has no TLS, what the peer sends is
/// not even copied.
pub(crate) async fn end(stream: &mut Stream) {
    match stream {
        Stream::Plain(transport) => end_plain(transport).await,
        Stream::Tls(stream) => linger(stream).await,
    }
}

async fn end_plain(transport: &Transport) {
    if transport.end().is_ok() {
        let _ = timeout(MAX_LINGER.0, discard(transport)).await;
    }
}

/// Tells a peer that there is no place for it, and closes as [`linger`] does, at least cost: what it
/// sends is not copied. Where it is to send `request` bytes and they are all there, nothing is waited
/// for. A peer by TLS, with which nothing has been agreed yet, is told nothing.
pub async fn turn_away(stream: Stream, words: &[u8], request: Option<usize>) {
    let Stream::Plain(transport) = stream else { return };
    // A new socket's send buffer is empty: what does not fit at once is not worth a wait.
    let tell = || transport.send_last(words).is_ok();
    if request.is_some_and(|bytes| bytes as u64 <= MAX_LINGER.1 && transport.discard_now(bytes)) {
        tell();
    } else if tell() {
        end_plain(&transport).await;
    }
}

async fn discard(transport: &Transport) -> io::Result<()> {
    let mut left = MAX_LINGER.1;
    while left > 0 {
        match transport.discard().await? {
            0 => break,
            bytes => left = left.saturating_sub(bytes as u64),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};

    /// What a peer reads that sends `bytes` first and is turned away.
    async fn told(bytes: usize, request: Option<usize>) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, _) = listener.accept().await.unwrap();
        peer.write_all(&vec![b'x'; bytes]).await.unwrap();
        let turned_away = tokio::spawn(turn_away(stream.into(), b"no place", request));
        let mut told = String::new();
        peer.read_to_string(&mut told).await.unwrap();
        drop(peer);
        turned_away.await.unwrap();
        told
    }

    #[tokio::test]
    async fn who_is_turned_away_reads_why_whatever_it_has_sent() {
        for (bytes, request) in [
            (0, None),
            (50_000, None),
            (50_000, Some(50_000)),
            (50_000, Some(60_000)),
            (50_000, Some(usize::MAX)),
        ] {
            assert_eq!(told(bytes, request).await, "no place", "{bytes} {request:?}");
        }
    }
}
