//! The run itself: producers and engines at their work, until the time or the events are over, or a signal comes.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::engines::Engine;
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;

use super::super::signals::StopSignals;
use super::bench_engine::BenchEngine;
use super::context::BenchContext;
use super::figures::SecondFigures;
use super::producer::produce;
use super::progress::BenchProgress;
use super::run_end::{BenchEnd, RunEnd};

/// After how many seconds in which nothing is enqueued or completed a run ends that waits for a number of events.
const STALLED_AFTER_SECONDS: u32 = 30;

/// Runs until the end, and waits for the calls that are under way then; a signal ends that, too.
pub(super) async fn measure(
    context: &Arc<BenchContext>,
    engines: Vec<Engine>,
    signals: &mut StopSignals,
    progress: BenchProgress,
) -> RunEnd {
    let (all_have_ended, cut_off) = (CancellationToken::new(), CancellationToken::new());
    let work = async {
        let ended_at = tokio::select! {
            ended_at = work(context, engines) => ended_at,
            () = cut_off.cancelled() => context.watch.elapsed(),
        };
        all_have_ended.cancel();
        ended_at
    };
    let end = async {
        let by = until_the_end(context, signals, progress).await;
        context.stop.cancel();
        tokio::select! {
            () = all_have_ended.cancelled() => {}
            () = signals.next() => cut_off.cancel(),
        }
        by
    };
    let (producers_ended_at, by) = tokio::join!(work, end);
    RunEnd { by, producers_ended_at, ended_at: context.watch.elapsed(), is_cut_off: cut_off.is_cancelled() }
}

/// Has producers and engines at work until all have ended. Answers when the producers had.
async fn work(context: &Arc<BenchContext>, engines: Vec<Engine>) -> Duration {
    let mut producer_tasks = JoinSet::new();
    for _ in 0..context.shape.producers {
        let context = Arc::clone(context);
        producer_tasks.spawn(async move { produce(&context).await });
    }
    let mut engine_tasks = JoinSet::new();
    for engine in engines {
        let context = Arc::clone(context);
        engine_tasks.spawn(async move { BenchEngine::new(&context, engine).run().await });
    }
    while let Some(ended) = producer_tasks.join_next().await {
        passed(ended);
    }
    context.producers_have_ended();
    let producers_ended_at = context.watch.elapsed();
    while let Some(ended) = engine_tasks.join_next().await {
        passed(ended);
    }
    producers_ended_at
}

/// Waits for the first reason to end. Shows what happens meanwhile.
async fn until_the_end(context: &BenchContext, signals: &mut StopSignals, progress: BenchProgress) -> BenchEnd {
    let time_is_over = async {
        match context.shape.duration() {
            Some(duration) => context.watch.reaches(context.measured_from() + duration).await,
            None => std::future::pending().await,
        }
    };
    progress.header(context.figures().headline());
    tokio::select! {
        biased;
        () = context.stop.cancelled() => if context.has_fault() { BenchEnd::Failed } else { BenchEnd::Events },
        () = signals.next() => {
            progress.say("ending early; once more to leave everything as it is");
            BenchEnd::Interrupted
        }
        () = time_is_over => BenchEnd::Duration,
        () = until_it_stalls(context, progress) => BenchEnd::Stalled,
    }
}

/// Shows a line a second. Ends if a number of events is waited for, and nothing happens to any: every call fails, or somebody
/// has taken some of them out.
async fn until_it_stalls(context: &BenchContext, progress: BenchProgress) {
    let mut idle_time = IdleTime::default();
    let mut at = Duration::ZERO;
    loop {
        at += Duration::from_secs(1);
        context.watch.reaches(at).await;
        let second = context.figures().take_second();
        progress.line(at, &second, at <= context.measured_from());
        let is_too_long = idle_time.is_too_long_after(&second, context.all_are_enqueued());
        if is_too_long && context.shape.events.is_some() {
            return;
        }
    }
}

/// For how many seconds nothing was enqueued or completed although something should have been.
#[derive(Debug, Default)]
struct IdleTime(u32);

impl IdleTime {
    fn is_too_long_after(&mut self, second: &SecondFigures, all_are_enqueued: bool) -> bool {
        let is_idle = second.events.enqueued + second.events.completed == 0;
        // A producer may have a low rate, and nothing to do for long.
        let should_be_busy = second.errors > 0 || all_are_enqueued;
        self.0 = if is_idle { self.0 + u32::from(should_be_busy) } else { 0 };
        self.0 >= STALLED_AFTER_SECONDS
    }
}

/// A loop that panicked takes the run with it.
fn passed(ended: Result<(), JoinError>) {
    if let Err(panicked) = ended {
        std::panic::resume_unwind(panicked.into_panic());
    }
}

#[cfg(test)]
mod tests {
    use super::super::figures::EventCount;
    use super::*;

    #[test]
    fn only_a_run_in_which_nothing_works_stalls() {
        let idle = SecondFigures::default();
        let failing = SecondFigures { errors: 8, ..SecondFigures::default() };
        let busy = SecondFigures { events: EventCount { enqueued: 0, completed: 1 }, ..SecondFigures::default() };
        for (second, all_are_enqueued, stalls) in
            [(&idle, false, false), (&idle, true, true), (&failing, false, true), (&busy, true, false)]
        {
            let mut idle_time = IdleTime::default();
            let seconds = (0..STALLED_AFTER_SECONDS).map(|_| idle_time.is_too_long_after(second, all_are_enqueued));
            let found: Vec<_> = seconds.collect();
            assert!(!found[..found.len() - 1].contains(&true), "{second:?}");
            assert_eq!(found.last(), Some(&stalls), "{second:?}");
            assert!(!idle_time.is_too_long_after(&busy, true), "one event is enough");
        }
    }
}
