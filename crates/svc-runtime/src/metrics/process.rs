//! What the kernel counts of the process, by the names that Prometheus's clients have for it. Where
//! there is no `/proc`, it is left out.

use std::fmt;
use std::fs;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, NoLabelSet,
};
use prometheus_client::metrics::MetricType;

/// The unit of the kernel's times, on every architecture that Rust's standard library is built for.
const TICKS_A_SECOND: f64 = 100.0;

/// Reads `/proc` at each scrape.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let (stat, status) = (Stat::read(), Status::read());
        let mut to = Told(&mut encoder);
        to.counter("process_cpu_seconds", "CPU time", stat.as_ref().map(Stat::cpu))?;
        let start = stat.as_ref().and_then(Stat::start);
        to.gauge("process_start_time_seconds", "Start, as Unix time", start)?;
        let memory = status.as_ref();
        let resident = memory.and_then(|status| status.bytes("VmRSS:"));
        to.gauge("process_resident_memory_bytes", "Memory in use", resident)?;
        let virtual_ = memory.and_then(|status| status.bytes("VmSize:"));
        to.gauge("process_virtual_memory_bytes", "Memory that is mapped", virtual_)?;
        to.gauge("process_open_fds", "File descriptors in use", open_descriptors())?;
        let most = rlimit::getrlimit(rlimit::Resource::NOFILE).ok().map(|(soft, _)| soft);
        to.gauge("process_max_fds", "File descriptors that may be in use", most)
    }
}

/// Tells what is known.
struct Told<'a, 'e>(&'a mut DescriptorEncoder<'e>);

impl Told<'_, '_> {
    fn counter<V: EncodeCounterValue>(
        &mut self,
        name: &str,
        help: &str,
        value: Option<V>,
    ) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, V, u64>(&value, None)
    }

    fn gauge<V: EncodeGaugeValue>(
        &mut self,
        name: &str,
        help: &str,
        value: Option<V>,
    ) -> fmt::Result {
        let Some(value) = value else { return Ok(()) };
        let mut encoder = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        encoder.encode_gauge(&value)
    }
}

/// `/proc/self/stat` after the program's name, which may hold anything; see `proc_pid_stat(5)`.
struct Stat(Vec<u64>);

impl Stat {
    fn read() -> Option<Self> {
        let text = fs::read_to_string("/proc/self/stat").ok()?;
        let fields = text.rsplit_once(')')?.1.split_whitespace();
        // Negative ones are none of those that are read here.
        Some(Self(fields.map(|field| field.parse().unwrap_or(0)).collect()))
    }

    /// The field of that number, as the manual counts them, in seconds.
    #[allow(clippy::cast_precision_loss)]
    fn seconds(&self, number: usize) -> f64 {
        self.0.get(number - 3).map_or(0.0, |&ticks| ticks as f64 / TICKS_A_SECOND)
    }

    fn cpu(&self) -> f64 {
        let (user, system) = (14, 15);
        self.seconds(user) + self.seconds(system)
    }

    fn start(&self) -> Option<f64> {
        let system = fs::read_to_string("/proc/stat").ok()?;
        let booted = system.lines().find_map(|line| line.strip_prefix("btime "))?;
        let since_boot = 22;
        Some(booted.trim().parse::<f64>().ok()? + self.seconds(since_boot))
    }
}

/// `/proc/self/status`.
struct Status(String);

impl Status {
    fn read() -> Option<Self> {
        fs::read_to_string("/proc/self/status").ok().map(Self)
    }

    fn bytes(&self, name: &str) -> Option<u64> {
        let value = self.0.lines().find_map(|line| line.strip_prefix(name))?;
        let kibibytes: u64 = value.trim().strip_suffix(" kB")?.parse().ok()?;
        Some(kibibytes * 1024)
    }
}

fn open_descriptors() -> Option<u64> {
    let entries = fs::read_dir("/proc/self/fd").ok()?.count();
    // One of them is the directory's.
    u64::try_from(entries.saturating_sub(1)).ok()
}
