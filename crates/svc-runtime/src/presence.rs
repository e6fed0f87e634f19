//! Whether the peer of a connection still waits for its answer. Nobody reads from a connection
//! while a request is answered, so that a peer which has left shows by the socket's state alone.

use std::future::poll_fn;
use std::sync::atomic::{AtomicU8, Ordering::Relaxed};
use std::task::{Context, Poll};

use crate::stream::{Seen, Stream};

/// Whether a connection's peer is still there, as far as anybody asks. Asked in the task that runs
/// the connection; nothing is looked at until then.
#[derive(Debug, Default)]
pub struct Presence(
    /// What was seen; 0 until somebody asks.
    AtomicU8,
);

impl Presence {
    /// Ends once the peer sends nothing more. It may have left, or have ended its side only.
    pub async fn ended(&self) {
        self.reaches(Seen::Ended).await;
    }

    /// Ends once no answer reaches the peer: it has reset the connection.
    pub async fn gone(&self) {
        self.reaches(Seen::Gone).await;
    }

    async fn reaches(&self, state: Seen) {
        poll_fn(|_| {
            self.0.fetch_max(Seen::Here as u8, Relaxed);
            // Woken by the connection's stream, which is polled in the same task after this.
            if self.0.load(Relaxed) >= state as u8 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Looks at the peer of `stream`, if anybody asks. In the task that runs the connection.
    pub(crate) fn look(&self, stream: &Stream, cx: &mut Context<'_>) {
        if !self.is_asked() {
            return;
        }
        let seen = stream.poll_seen(cx);
        if self.0.fetch_max(seen as u8, Relaxed) < seen as u8 {
            cx.waker().wake_by_ref();
        }
    }

    fn is_asked(&self) -> bool {
        matches!(self.0.load(Relaxed), state if state == Seen::Here as u8 || state == Seen::Ended as u8)
    }
}
