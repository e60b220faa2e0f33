//! How much of the machine an engine uses, for its heartbeats: its own process, and those that it has started.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use enginehouse_core::engine::{DynamicState, ResourceUtilization};
use enginehouse_core::ids::ScenarioRunId;
use tokio::time::Instant;

/// Two measurements closer than this say nothing about processor time.
const MIN_SPAN: Duration = Duration::from_millis(200);

/// Measures this process with its descendants.
#[derive(Debug, Default)]
pub struct OwnLoad {
    children: Children,
    inner: Mutex<OwnLoadState>,
}

/// What an engine's own children are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Children {
    /// Programs that do its work.
    #[default]
    Workers,
    /// Copies of this process, each of which waits for a command: what they have of memory is this program's, which is
    /// counted once.
    Guards,
}

#[derive(Debug, Default)]
struct OwnLoadState {
    before: Option<(Instant, u64)>,
    cpu_percent: Option<f64>,
    scenario_run_id: Option<String>,
}

impl OwnLoad {
    /// Measures an engine whose children are these.
    pub fn with(children: Children) -> Self {
        Self { children, inner: Mutex::default() }
    }

    /// Notes the scenario run of an event that is begun.
    pub fn works_on(&self, run: Option<&ScenarioRunId>) {
        if let Some(run) = run {
            self.lock().scenario_run_id = Some(run.to_string());
        }
    }

    /// How the engine is doing. Where there is no `/proc`, nothing is known about its load.
    pub fn state(&self) -> DynamicState {
        self.state_among(processes().as_ref())
    }

    /// The same, of processes that were read already.
    pub fn state_among(&self, processes: Option<&HashMap<u32, Process>>) -> DynamicState {
        let used = processes.map(|processes| sum(processes, std::process::id(), self.children));
        let mut inner = self.lock();
        if let Some(used) = used {
            let now = Instant::now();
            let span = inner.before.map(|(at, ticks)| (now - at, used.ticks.saturating_sub(ticks)));
            match span {
                Some((span, ticks)) if span >= MIN_SPAN => {
                    inner.cpu_percent = Some(tenths(100.0 * seconds(ticks) / span.as_secs_f64()));
                    inner.before = Some((now, used.ticks));
                }
                Some(_) => {}
                None => inner.before = Some((now, used.ticks)),
            }
        }
        DynamicState {
            resource_utilization: ResourceUtilization {
                cpu_percent: inner.cpu_percent,
                memory_usage_mb: used.map(|used| tenths(mebibytes(used.pages))),
                ..ResourceUtilization::default()
            },
            current_scenario_run_id: inner.scenario_run_id.clone(),
            ..DynamicState::default()
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, OwnLoadState> {
        // No code that holds it can panic half-way through a change.
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Processor time in seconds.
pub fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// Memory in MiB.
pub fn mebibytes(pages: u64) -> f64 {
    pages as f64 * rustix::param::page_size() as f64 / (1024.0 * 1024.0)
}

fn tenths(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

/// What processes use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Processor time, of children that have ended too.
    pub ticks: u64,
    /// Memory that is resident. What processes share is counted for each.
    pub pages: u64,
}

/// All processes of this machine by their number; none where there is no `/proc`.
pub fn processes() -> Option<HashMap<u32, Process>> {
    let mut processes = HashMap::new();
    for entry in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
        // A process that has just ended is not there any more.
        let Ok(stat) = std::fs::read_to_string(entry.path().join("stat")) else { continue };
        if let Some(process) = Process::parse(&stat) {
            processes.insert(pid, process);
        }
    }
    (!processes.is_empty()).then_some(processes)
}

/// One line of `/proc/<pid>/stat`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// The process that has started it.
    pub parent: u32,
    group: u32,
    /// Its own use, and that of children that it has waited for.
    pub used: Used,
}

impl Process {
    fn parse(stat: &str) -> Option<Self> {
        // The name before it may hold spaces and parentheses.
        let fields: Vec<_> = stat.rsplit_once(')')?.1.split_ascii_whitespace().collect();
        let number = |place: usize| fields.get(place)?.parse::<u64>().ok();
        // utime, stime, cutime and cstime; see proc_pid_stat(5).
        let ticks = (11..=14).map(number).sum::<Option<u64>>()?;
        Some(Self {
            parent: u32::try_from(number(1)?).ok()?,
            group: u32::try_from(number(2)?).ok()?,
            used: Used { ticks, pages: number(21)? },
        })
    }
}

/// What a process, its descendants, and the groups of its children use.
fn sum(processes: &HashMap<u32, Process>, root: u32, children: Children) -> Used {
    // A process whose parent has ended is no descendant any more, but it is still in the process group of our child.
    let groups: HashSet<u32> = processes
        .iter()
        .filter(|(pid, process)| process.parent == root && process.group == **pid)
        .map(|(pid, _)| *pid)
        .collect();
    let is_ours = |pid: u32| {
        let mut at = pid;
        for _ in 0..processes.len() {
            let Some(process) = processes.get(&at) else { return false };
            if at == root || groups.contains(&process.group) {
                return true;
            }
            at = process.parent;
        }
        false
    };
    processes.iter().filter(|(pid, _)| is_ours(**pid)).fold(Used::default(), |sum, (_, process)| Used {
        ticks: sum.ticks + process.used.ticks,
        pages: sum.pages
            + match children {
                Children::Guards if process.parent == root => 0,
                _ => process.used.pages,
            },
    })
}

/// What the descendants of a guard use, and what those have used that it has waited for.
pub fn sum_below(processes: &HashMap<u32, Process>, guard: u32) -> Used {
    let all = sum(processes, guard, Children::Workers);
    let descends = |pid: u32| {
        let mut at = pid;
        for _ in 0..processes.len() {
            match processes.get(&at) {
                Some(process) if process.parent == guard => return true,
                Some(process) => at = process.parent,
                None => return false,
            }
        }
        false
    };
    let pages = processes.iter().filter(|(pid, _)| descends(**pid)).map(|(_, process)| process.used.pages).sum();
    Used { ticks: all.ticks, pages }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_of_proc_is_read_whatever_the_process_is_called() {
        let stat = "77 (a) b (c)) S 12 77 77 0 -1 4194560 9 8 0 0 100 20 3 4 20 0 1 0 5 1000 33 18446744073709551615 1";
        let process = Process::parse(stat).unwrap();
        assert_eq!(process, Process { parent: 12, group: 77, used: Used { ticks: 127, pages: 33 } });
        assert_eq!(Process::parse("77 (x"), None);
    }

    #[test]
    fn children_and_their_groups_count_and_others_do_not() {
        let process = |parent, group, ticks| Process { parent, group, used: Used { ticks, pages: 1 } };
        let processes = HashMap::from([
            (1, process(0, 1, 1_000)),
            (10, process(1, 10, 1)),
            // The guard of a command, or a program that does work itself.
            (11, process(10, 11, 2)),
            (12, process(11, 11, 4)),
            // Its parent has ended: it belongs to init by now, but to our group still.
            (13, process(1, 11, 8)),
            (20, process(1, 20, 1_000)),
            // A loop that a reused number makes.
            (30, process(31, 30, 1_000)),
            (31, process(30, 31, 1_000)),
        ]);
        assert_eq!(sum(&processes, 10, Children::Guards), Used { ticks: 15, pages: 3 });
        assert_eq!(sum(&processes, 10, Children::Workers), Used { ticks: 15, pages: 4 });
    }

    #[test]
    fn this_process_uses_memory() {
        let state = OwnLoad::default().state();
        assert!(state.resource_utilization.memory_usage_mb.is_none_or(|memory| memory > 0.5));
        assert_eq!(state.resource_utilization.cpu_percent, None);
    }
}
