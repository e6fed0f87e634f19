//! An answer becomes a message, once there is memory for that, and a core.

use std::time::Duration;

use callbox_client::transport::{NoRoom, Response};
use protocol::xmlrpc::{
    DecodeError, Limits, MethodResponse, content_charset, decode_plain_response,
    decode_response_by_tree, reading_bytes, reading_bytes_by_tree,
};
use svc_runtime::aside::{MAX_INLINE_BYTES, Place};
use tokio::time::{Instant, timeout_at};

use super::answer_memory::AnswerMemory;
use super::trouble::Trouble;

const LIMITS: Limits = Limits::DEFAULT;

/// What `response` says, to a call that may last for `timeout`, and waits until `deadline`.
pub(super) async fn read(
    response: Response,
    memory: &AnswerMemory,
    timeout: Duration,
    deadline: Instant,
) -> Result<Result<MethodResponse, DecodeError>, Trouble> {
    let room = async |bytes| {
        let share = memory.reading(bytes, timeout, deadline).await;
        share.map_err(|NoRoom| Trouble::NoMemory)
    };
    let (again, length) = (response.clone(), response.body.len());
    let share = room(reading_bytes(&response.body)).await?;
    let plain = move || decode_plain_response(&response.body, charset(&response), &LIMITS);
    if let Some(read) = aside(length, deadline, plain).await? {
        return Ok(Ok(read));
    }
    // From the beginning: two who have a part and wait for more would be in each other's way.
    drop(share);
    let _share = room(reading_bytes_by_tree(&again.body, &LIMITS)).await?;
    let by_tree = move || decode_response_by_tree(&again.body, charset(&again), &LIMITS);
    aside(length, deadline, by_tree).await
}

fn charset(response: &Response) -> Option<&str> {
    response.content_type.as_deref().and_then(content_charset)
}

/// Reads so many bytes: many on a thread of its own, for which it waits until `deadline`.
pub(super) async fn aside<T: Send + 'static>(
    bytes: usize,
    deadline: Instant,
    read: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Trouble> {
    if bytes <= MAX_INLINE_BYTES {
        return Ok(read());
    }
    let place = timeout_at(deadline, Place::take()).await.map_err(|_| Trouble::TimedOut)?;
    Ok(place.run(read).await)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread::available_parallelism;

    #[tokio::test]
    async fn thread_for_a_large_document_is_waited_for_until_the_calls_deadline() {
        let mut all = Vec::new();
        for _ in 0..available_parallelism().unwrap().get() {
            all.push(Place::take().await);
        }
        let deadline = Instant::now() + Duration::from_millis(10);
        let read = aside(MAX_INLINE_BYTES + 1, deadline, || 1).await;
        assert!(matches!(read, Err(Trouble::TimedOut)) && Instant::now() >= deadline);
        assert_eq!(aside(MAX_INLINE_BYTES, deadline, || 2).await.unwrap(), 2);
        drop(all);
        assert_eq!(aside(MAX_INLINE_BYTES + 1, deadline, || 3).await.unwrap(), 3);
    }
}
