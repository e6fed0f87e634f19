//! What Linux tells of processes in `/proc`.

use std::fs;
use std::io::{self, Error};

/// Ticks a second of the times in `/proc/PID/stat`: fixed for all programs on Linux.
const TICKS: f64 = 100.0;

/// What a process and those that it started use.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub cpu_seconds: f64,
    /// Of the process alone.
    pub resident_bytes: f64,
}

pub fn usage(process: u32) -> io::Result<Usage> {
    let own = fs::read_to_string(format!("/proc/{process}/stat"))?;
    let own = Stat::parse(&own).ok_or_else(|| Error::other("/proc/PID/stat is odd"))?;
    let children: f64 = stats()?.filter(|stat| stat.parent == process).map(|stat| stat.ticks).sum();
    let cpu_seconds = (own.ticks + children) / TICKS;
    Ok(Usage { cpu_seconds, resident_bytes: resident_bytes(process)? })
}

/// CPU seconds that this process, without those that it started, has used so far.
pub fn own_cpu_seconds() -> io::Result<f64> {
    let own = fs::read_to_string("/proc/self/stat")?;
    let ticks = Stat::parse(&own).map(|stat| stat.own_ticks);
    ticks.map(|ticks| ticks / TICKS).ok_or_else(|| Error::other("/proc/self/stat is odd"))
}

/// A field of the first processor in `/proc/cpuinfo`.
pub fn cpu_field(name: &str) -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

struct Stat {
    parent: u32,
    own_ticks: f64,
    /// Its own and those of its children that have ended.
    ticks: f64,
}

impl Stat {
    fn parse(text: &str) -> Option<Stat> {
        // The name may hold spaces and parentheses; numbers follow its last one.
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let sum =
            |fields: &[&str]| fields.iter().filter_map(|field| field.parse::<f64>().ok()).sum();
        let (own_ticks, ticks) = (sum(fields.get(11..13)?), sum(fields.get(11..15)?));
        Some(Stat { parent: fields.get(1)?.parse().ok()?, own_ticks, ticks })
    }
}

fn stats() -> io::Result<impl Iterator<Item = Stat>> {
    let files = fs::read_dir("/proc")?.flatten().map(|entry| entry.path().join("stat"));
    Ok(files.filter_map(|path| Stat::parse(&fs::read_to_string(path).ok()?)))
}

fn resident_bytes(process: u32) -> io::Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let kilobytes = status.lines().find_map(|line| {
        line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    });
    kilobytes.map(|kilobytes| kilobytes * 1024.0).ok_or_else(|| Error::other("no VmRSS"))
}
