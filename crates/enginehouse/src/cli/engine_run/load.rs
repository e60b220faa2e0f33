//! How much of the machine this engine uses: itself, its commands, and their children.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use enginehouse_client::process_load::{Children, OwnLoad, Process, mebibytes, processes, seconds, sum_below};
use enginehouse_client::{DynamicState, HandlerContext};
use enginehouse_core::ids::ScenarioRunId;
use enginehouse_core::report::AttemptUsage;

/// Measures for heartbeats.
#[derive(Debug)]
pub(crate) struct LoadMeter {
    own: OwnLoad,
    /// By the process that guards it.
    commands: Mutex<HashMap<u32, MeasuredCommand>>,
}

/// A command whose use is measured.
#[derive(Debug)]
struct MeasuredCommand {
    context: HandlerContext,
    /// The most memory that its processes had together at any measurement, in pages.
    max_pages: u64,
}

impl Default for LoadMeter {
    fn default() -> Self {
        Self { own: OwnLoad::with(Children::Guards), commands: Mutex::default() }
    }
}

impl LoadMeter {
    /// Notes the scenario run of an event that is begun.
    pub(crate) fn works_on(&self, run: Option<&ScenarioRunId>) {
        self.own.works_on(run);
    }

    /// Measures a command from now on, with each heartbeat.
    pub(super) fn measure(&self, guard: u32, context: &HandlerContext) {
        self.lock().insert(guard, MeasuredCommand { context: context.clone(), max_pages: 0 });
    }

    /// A command has ended. What its guard has counted is exact, but for memory: there it is that of the largest process.
    pub(super) fn ended(&self, guard: u32, used: Option<(u64, u64)>) {
        let Some(MeasuredCommand { context, max_pages }) = self.lock().remove(&guard) else { return };
        if let Some((cpu_ms, max_memory_kb)) = used {
            let largest = max_memory_kb as f64 / 1024.0;
            context.usage(usage(cpu_ms as f64 / 1_000.0, mebibytes(max_pages).max(largest)));
        }
    }

    /// How the engine is doing. Where there is no `/proc`, nothing is known about its load.
    pub(crate) fn state(&self) -> DynamicState {
        let processes = processes();
        if let Some(processes) = &processes {
            for (guard, command) in &mut *self.lock() {
                command.measure(processes, *guard);
            }
        }
        self.own.state_among(processes.as_ref())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u32, MeasuredCommand>> {
        // No code that holds it can panic half-way through a change.
        self.commands.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MeasuredCommand {
    /// So far: what has ended without having been waited for is not counted yet.
    fn measure(&mut self, processes: &HashMap<u32, Process>, guard: u32) {
        let used = sum_below(processes, guard);
        self.max_pages = self.max_pages.max(used.pages);
        self.context.usage(usage(seconds(used.ticks), mebibytes(self.max_pages)));
    }
}

fn usage(cpu_seconds: f64, max_memory_mb: f64) -> AttemptUsage {
    AttemptUsage { cpu_seconds: Some(cpu_seconds), max_memory_mb: Some(max_memory_mb), gpu_seconds: None }
}
