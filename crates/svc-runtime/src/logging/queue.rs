//! Lines on their way out, which a thread of their own writes: a caller never waits for a reader.

use std::io::{ErrorKind, Write};
use std::mem;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Most bytes that wait. As many may be in writing: 1 MiB together.
pub(super) const MAX_WAITING_BYTES: usize = 512 * 1024;

/// Longest wait for a reader at the end of the process.
const MAX_FLUSH: Duration = Duration::from_secs(1);

/// Memory that is kept after a flood, twice.
const KEPT_BYTES: usize = 4096;

/// Pause of a descriptor that does not block and takes no more.
const FULL_PAUSE: Duration = Duration::from_millis(10);

/// What waits to be written, and how much had to be dropped.
#[derive(Debug)]
pub(super) struct Queue {
    state: Mutex<State>,
    changed: Condvar,
    dropped: AtomicU64,
}

#[derive(Debug)]
struct State {
    waiting: Vec<u8>,
    is_writing: bool,
}

impl Queue {
    pub(super) const fn new() -> Self {
        let state = State { waiting: Vec::new(), is_writing: false };
        Self { state: Mutex::new(state), changed: Condvar::new(), dropped: AtomicU64::new(0) }
    }

    /// Takes one line with its end, or counts it as dropped where too many bytes wait.
    pub(super) fn push(&self, line: &[u8]) {
        let mut state = self.lock();
        if state.waiting.len() + line.len() > MAX_WAITING_BYTES {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let was_empty = state.waiting.is_empty();
        state.waiting.extend_from_slice(line);
        drop(state);
        if was_empty {
            self.changed.notify_all();
        }
    }

    /// Lines that were dropped so far.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    /// Waits until all is written, but no longer than [`MAX_FLUSH`].
    pub(super) fn flush(&self) {
        let is_busy = |state: &mut State| state.is_writing || !state.waiting.is_empty();
        let _ = self.changed.wait_timeout_while(self.lock(), MAX_FLUSH, is_busy);
    }

    /// Writes to `out` whatever comes, for ever. Once lines get through again after some were
    /// dropped, `tell` is told of how many.
    pub(super) fn write_to(&self, mut out: impl Write, tell: impl Fn(u64)) -> ! {
        let (mut lines, mut told) = (Vec::new(), 0);
        loop {
            self.take(&mut lines);
            let unwritten = write(&mut out, &lines);
            self.dropped.fetch_add(unwritten, Ordering::Relaxed);
            let dropped = self.dropped();
            if unwritten == 0 && dropped > told {
                tell(dropped - told);
                told = dropped;
            }
            lines.clear();
            lines.shrink_to(KEPT_BYTES);
            self.lock().is_writing = false;
            self.changed.notify_all();
        }
    }

    /// Waits for lines, which take the place of the empty `lines`.
    fn take(&self, lines: &mut Vec<u8>) {
        let has_none = |state: &mut State| state.waiting.is_empty();
        let waited = self.changed.wait_while(self.lock(), has_none);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        state.is_writing = true;
        mem::swap(&mut state.waiting, lines);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Whole at any time, whoever panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Writes the lines, and gives back how many of them could not be written.
fn write(out: &mut impl Write, mut lines: &[u8]) -> u64 {
    while !lines.is_empty() {
        match out.write(lines) {
            Ok(0) => break,
            Ok(written) => lines = &lines[written..],
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => thread::sleep(FULL_PAUSE),
            Err(_) => break,
        }
    }
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Longest wait for what is bound to happen.
    const PATIENCE: Duration = Duration::from_secs(30);

    /// Writes as it is told to, each time.
    struct Reader {
        answers: Receiver<io::Result<usize>>,
        seen: Sender<Vec<u8>>,
    }

    impl Write for Reader {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let written = self.answers.recv().unwrap_or(Ok(usize::MAX))?.min(bytes.len());
            let _ = self.seen.send(bytes[..written].to_vec());
            Ok(written)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// A queue with its thread: what each write answers, what is written, what is told.
    struct Running {
        queue: Arc<Queue>,
        answers: Sender<io::Result<usize>>,
        seen: Receiver<Vec<u8>>,
        told: Receiver<u64>,
    }

    fn run() -> Running {
        let queue = Arc::new(Queue::new());
        let (answers, answered) = channel();
        let (see, seen) = channel();
        let (tell, told) = channel();
        let reader = Reader { answers: answered, seen: see };
        let writer = queue.clone();
        thread::spawn(move || {
            writer.write_to(reader, |dropped| {
                let _ = tell.send(dropped);
            });
        });
        Running { queue, answers, seen, told }
    }

    #[test]
    fn reader_that_stops_reading_stops_nobody_and_hears_how_much_it_missed() {
        let Running { queue, answers, seen, told } = run();
        let line = [&[b'x'; 1023][..], b"\n"].concat();
        queue.push(&line);
        for _ in 0..2000 {
            queue.push(&line);
        }
        let dropped = queue.dropped();
        assert!(dropped >= 2001 - 2 * (MAX_WAITING_BYTES / 1024) as u64, "{dropped}");
        assert!(told.try_recv().is_err());
        drop(answers);
        assert_eq!(told.recv_timeout(PATIENCE), Ok(dropped));
        queue.flush();
        let written: usize = seen.try_iter().map(|bytes| bytes.len() / 1024).sum();
        assert_eq!(written as u64 + dropped, 2001);
    }

    #[test]
    fn lines_that_come_in_pieces_or_late_are_whole() {
        let Running { queue, answers, seen, .. } = run();
        queue.push(b"first\n");
        for kind in [ErrorKind::Interrupted, ErrorKind::WouldBlock] {
            answers.send(Err(kind.into())).unwrap();
        }
        answers.send(Ok(2)).unwrap();
        drop(answers);
        queue.flush();
        assert_eq!(seen.try_iter().flatten().collect::<Vec<_>>(), b"first\n");
        assert_eq!(queue.dropped(), 0);
    }

    #[test]
    fn lines_that_cannot_be_written_are_counted_and_told_later() {
        let Running { queue, answers, told, .. } = run();
        answers.send(Err(ErrorKind::StorageFull.into())).unwrap();
        queue.push(b"lost\n");
        queue.flush();
        assert_eq!(queue.dropped(), 1);
        assert!(told.try_recv().is_err());
        drop(answers);
        queue.push(b"written\n");
        assert_eq!(told.recv_timeout(PATIENCE), Ok(1));
    }

    #[test]
    fn end_does_not_wait_for_ever_where_nobody_reads() {
        let Running { queue, answers: _unanswered, .. } = run();
        queue.push(b"unread\n");
        queue.flush();
    }

    #[test]
    fn memory_of_a_flood_is_given_back() {
        let Running { queue, answers, .. } = run();
        for _ in 0..1000 {
            queue.push(&[b'\n'; 1024]);
        }
        drop(answers);
        queue.flush();
        for _ in 0..2 {
            queue.push(b"\n");
            queue.flush();
            let state = queue.lock();
            assert!(state.waiting.is_empty() && state.waiting.capacity() <= KEPT_BYTES);
        }
    }
}
