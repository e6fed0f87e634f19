//! The same work done by several codecs in turn.

use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::goal::{Goal, judged};
use crate::options::Options;
use crate::samples::{Samples, short};
use crate::table::Table;

/// One look at the clock costs about 25 ns: it is to be a thousandth of what it measures.
const BATCH: Duration = Duration::from_micros(25);

const MAX_BATCHES: usize = 1_000_000;

/// This project comes first, and is compared with all the others.
pub struct Contest {
    pub title: &'static str,
    pub works: Vec<Work>,
}

pub struct Work {
    name: &'static str,
    document_bytes: usize,
    pub goal: Option<Goal>,
    /// Does the work so many times and tells how long that took.
    run: Box<dyn FnMut(usize) -> Duration>,
}

impl Work {
    /// What `work` makes is dropped on its own time.
    pub fn new<T: 'static>(
        name: &'static str,
        document_bytes: usize,
        mut work: impl FnMut() -> T + 'static,
    ) -> Work {
        let run = move |times| {
            let started = Instant::now();
            for _ in 0..times {
                black_box(work());
            }
            started.elapsed()
        };
        Work { name, document_bytes, goal: None, run: Box::new(run) }
    }

    /// Like [`Work::new`], but each time on what `prepare` made before the clock ran.
    pub fn prepared<T: 'static, W: FnOnce() -> T>(
        name: &'static str,
        document_bytes: usize,
        mut prepare: impl FnMut() -> W + 'static,
    ) -> Work {
        let run = move |times| {
            let prepared: Vec<W> = (0..times).map(|_| prepare()).collect();
            let started = Instant::now();
            for work in prepared {
                black_box(work());
            }
            started.elapsed()
        };
        Work { name, document_bytes, goal: None, run: Box::new(run) }
    }

    pub fn with_goal(self, goal: Goal) -> Work {
        Work { goal: Some(goal), ..self }
    }

    /// Seconds for one, the median of many batches: a moment that the machine was taken away for
    /// does not count.
    fn measure(&mut self, time: Duration) -> f64 {
        let first = (self.run)(1).max(Duration::from_nanos(1));
        let times = (BATCH.as_nanos() / first.as_nanos()).clamp(1, 1_000) as usize;
        let deadline = Instant::now() + time;
        let mut batches = Samples::default();
        for _ in 0..MAX_BATCHES {
            batches.push((self.run)(times).as_secs_f64() / times as f64);
            if Instant::now() > deadline {
                break;
            }
        }
        batches.median()
    }
}

impl Contest {
    pub fn run(mut self, options: &Options) -> Table {
        let slot = options.time() / self.works.len() as u32;
        let mut seconds: Vec<Samples> = self.works.iter().map(|_| Samples::default()).collect();
        for _ in 0..options.rounds {
            for (work, seconds) in self.works.iter_mut().zip(&mut seconds) {
                seconds.push(work.measure(slot));
            }
        }
        let mut table = Table::new(&["codec", "µs", "MB/s", "our speed to its", "goal"]);
        for (work, own) in self.works.iter().zip(&seconds) {
            let speed = own.over(&seconds[0]);
            table.row([
                work.name.to_owned(),
                own.in_micros().to_string(),
                short(work.document_bytes as f64 / own.median() / 1e6),
                speed.to_string(),
                judged(work.goal, &speed),
            ]);
        }
        table
    }
}
