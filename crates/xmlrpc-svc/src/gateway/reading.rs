//! An answer becomes a message, once there is memory for that.

use std::num::NonZero;
use std::sync::LazyLock;
use std::thread::available_parallelism;
use std::time::Duration;

use callbox_client::transport::{NoRoom, Response};
use protocol::xmlrpc::{
    DecodeError, Limits, MethodResponse, content_charset, decode_plain_response,
    decode_response_by_tree, reading_bytes, reading_bytes_by_tree,
};
use tokio::sync::Semaphore;

use super::answer_memory::AnswerMemory;

const LIMITS: Limits = Limits::DEFAULT;

/// Longest document that is read on the thread that serves others too, in bytes.
const MAX_INLINE_BYTES: usize = 64 * 1024;

/// What `response` says, to a call that may last for `timeout`.
pub(super) async fn read(
    response: Response,
    memory: &AnswerMemory,
    timeout: Duration,
) -> Result<Result<MethodResponse, DecodeError>, NoRoom> {
    let (again, length) = (response.clone(), response.body.len());
    let share = memory.reading(reading_bytes(&response.body), timeout).await?;
    let plain = move || decode_plain_response(&response.body, charset(&response), &LIMITS);
    if let Some(read) = aside(length, plain).await {
        return Ok(Ok(read));
    }
    // From the beginning: two who have a part and wait for more would be in each other's way.
    drop(share);
    let bytes = reading_bytes_by_tree(&again.body, &LIMITS);
    let _share = memory.reading(bytes, timeout).await?;
    let by_tree = move || decode_response_by_tree(&again.body, charset(&again), &LIMITS);
    Ok(aside(length, by_tree).await)
}

fn charset(response: &Response) -> Option<&str> {
    response.content_type.as_deref().and_then(content_charset)
}

/// Reads so many bytes: many on a thread of its own, and on no more than there are cores.
async fn aside<T: Send + 'static>(bytes: usize, read: impl FnOnce() -> T + Send + 'static) -> T {
    static PLACES: LazyLock<Semaphore> =
        LazyLock::new(|| Semaphore::new(available_parallelism().map_or(1, NonZero::get)));
    if bytes <= MAX_INLINE_BYTES {
        return read();
    }
    let _place = PLACES.acquire().await;
    match tokio::task::spawn_blocking(read).await {
        Ok(read) => read,
        Err(broken) => std::panic::resume_unwind(broken.into_panic()),
    }
}
