//! What the kernel has counted: the processor time and memory of processes, and the writes of a disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::param::clock_ticks_per_second;

/// A process as `/proc/PID/stat` has it.
struct ProcessStat {
    parent: u32,
    ticks: u64,
    /// Of the children that have ended.
    children_ticks: u64,
}

/// The processor time that these processes and all that they have started have used so far.
pub(crate) fn cpu_time(roots: &[u32]) -> Duration {
    let all = all_processes();
    seconds(descendants(&all, roots).iter().map(|pid| all[pid].ticks + all[pid].children_ticks).sum())
}

/// The processor time that this process alone has used so far.
pub(crate) fn own_cpu_time() -> Duration {
    let all = all_processes();
    seconds(all.get(&std::process::id()).map_or(0, |own| own.ticks))
}

fn seconds(ticks: u64) -> Duration {
    Duration::from_secs_f64(ticks as f64 / clock_ticks_per_second() as f64)
}

/// Their memory now, in bytes; what they share is counted once.
pub(crate) fn memory(roots: &[u32]) -> u64 {
    let all = all_processes();
    let of_one = |pid: &u32| {
        let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
        let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok()).unwrap_or(0) * 1024
    };
    descendants(&all, roots).iter().map(of_one).sum()
}

fn all_processes() -> BTreeMap<u32, ProcessStat> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid| Some((pid, parse_stat(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?))).collect()
}

fn parse_stat(stat: &str) -> Option<ProcessStat> {
    // The name stands in brackets and may itself hold any character.
    let fields: Vec<_> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let number = |index: usize| fields.get(index)?.parse::<u64>().ok();
    Some(ProcessStat {
        parent: fields.get(1)?.parse().ok()?,
        ticks: number(11)? + number(12)?,
        children_ticks: number(13)? + number(14)?,
    })
}

fn descendants(all: &BTreeMap<u32, ProcessStat>, roots: &[u32]) -> Vec<u32> {
    let mut found: Vec<u32> = roots.iter().copied().filter(|pid| all.contains_key(pid)).collect();
    let mut next = 0;
    while let Some(parent) = found.get(next).copied() {
        found.extend(all.iter().filter(|(_, stat)| stat.parent == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found
}

/// The disk that throwaway data lie on.
pub(crate) struct Disk {
    /// Its counters. None, where the kernel shows none for what the folder lies on.
    counters: Option<PathBuf>,
}

/// What was written to a disk so far, by whomever.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct DiskWrites {
    pub(crate) writes: u64,
    pub(crate) bytes: u64,
}

impl Disk {
    pub(crate) fn of(folder: &Path) -> Self {
        use std::os::unix::fs::MetadataExt;
        let device = fs::metadata(folder).map(|metadata| metadata.dev()).unwrap_or_default();
        let (major, minor) = (rustix::fs::major(device), rustix::fs::minor(device));
        let counters = PathBuf::from(format!("/sys/dev/block/{major}:{minor}/stat"));
        Self { counters: counters.exists().then_some(counters) }
    }

    pub(crate) fn writes(&self) -> Option<DiskWrites> {
        parse_disk(&fs::read_to_string(self.counters.as_ref()?).ok()?)
    }
}

fn parse_disk(counters: &str) -> Option<DiskWrites> {
    const SECTOR: u64 = 512;
    let fields: Vec<_> = counters.split_whitespace().collect();
    Some(DiskWrites { writes: fields.get(4)?.parse().ok()?, bytes: fields.get(6)?.parse::<u64>().ok()? * SECTOR })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let stat = parse_stat("7 (a) (b) S 3 7 7 0 -1 4194304 1 2 3 4 50 6 70 8 20 0 1 0 9 1 1").unwrap();
        assert_eq!((stat.parent, stat.ticks, stat.children_ticks), (3, 56, 78));
    }

    #[test]
    fn the_processes_of_a_server_are_all_that_it_has_started() {
        let process = |parent| ProcessStat { parent, ticks: 0, children_ticks: 0 };
        let all = BTreeMap::from([(1, process(0)), (2, process(1)), (3, process(2)), (4, process(3)), (5, process(1))]);
        assert_eq!(descendants(&all, &[2, 9]), [2, 3, 4]);
    }

    #[test]
    fn writes_are_counted_in_sectors() {
        let writes = parse_disk("  10 1 80 5 20 2 48 7 0 9 9").unwrap();
        assert_eq!((writes.writes, writes.bytes), (20, 48 * 512));
    }
}
