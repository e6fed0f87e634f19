//! How a connection is closed without the loss of its last words.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

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
