//! A system that runs, and the connections that load it: each is a closed loop, which asks, waits for the answer and asks again.

use std::future::{Future, pending};
use std::sync::Arc;

use anyhow::Result;
use tokio::sync::Barrier;
use tokio::task::JoinSet;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval_at, sleep_until};

use crate::pacing::Pacing;
use crate::phase::{Counters, LoadPhase, PhaseFigures, Taken};
use crate::processes::Disk;
use crate::queue::{Purpose, QueueConnection, QueueSystem};

/// Connections and events of a call where events are only brought in.
const FILLING: (usize, usize) = (16, 100);

/// A system, and how many events wait in it.
pub(crate) struct RunningSystem {
    pub(crate) system: Box<dyn QueueSystem>,
    pub(crate) standing: usize,
}

impl RunningSystem {
    /// Enqueues in batches until so many wait.
    pub(crate) async fn fill(&mut self, standing: usize) -> Result<()> {
        self.fill_until(standing, pending()).await
    }

    /// The same, until something ends at most.
    async fn fill_until(&mut self, standing: usize, until: impl Future<Output = Result<()>>) -> Result<()> {
        let (connections, batch) = FILLING;
        let missing = standing.saturating_sub(self.standing).div_ceil(batch) * batch;
        if missing == 0 {
            return Ok(());
        }
        let (pacing, mut loops) = (Arc::new(Pacing::fill(missing)), JoinSet::new());
        for _ in 0..connections {
            let connection = self.system.connect(Purpose::Enqueue).await?;
            loops.spawn(produce(connection, Arc::clone(&pacing), batch, None));
        }
        self.standing += gather(loops, &pacing, until).await?.enqueued;
        Ok(())
    }

    pub(crate) async fn run(&mut self, of: &LoadPhase, disk: &Disk) -> Result<PhaseFigures> {
        self.run_until(of, disk, after(of.length)).await
    }

    /// The same, until something ends and not for the phase's length. An error of that is an error of the phase.
    pub(crate) async fn run_until(
        &mut self,
        of: &LoadPhase,
        disk: &Disk,
        until: impl Future<Output = Result<()>>,
    ) -> Result<PhaseFigures> {
        self.fill_until(of.wants_standing(), after(of.length)).await?;
        let pacing = Arc::new(of.pacing(self.standing));
        // No connection begins before all are open.
        let start = Arc::new(Barrier::new(of.producers + of.consumers + 1));
        let loops = self.open(*of, &pacing, &start).await?;
        let processes = self.system.processes();
        // What was written before does not fall on this phase.
        rustix::fs::sync();
        let before = Counters::read(&processes, disk);
        start.wait().await;
        let began = Instant::now();
        let taken = gather(loops, &pacing, until).await?;
        let seconds = began.elapsed().as_secs_f64();
        self.standing = (self.standing + taken.enqueued).saturating_sub(taken.completed);
        Ok(of.figures(taken, seconds, &before, &processes, disk))
    }

    async fn open(&self, of: LoadPhase, pacing: &Arc<Pacing>, start: &Arc<Barrier>) -> Result<JoinSet<Result<Taken>>> {
        let mut loops = JoinSet::new();
        for number in 0..of.producers {
            let connection = self.system.connect(Purpose::Enqueue).await?;
            let (pacing, start) = (Arc::clone(pacing), Arc::clone(start));
            loops.spawn(async move {
                start.wait().await;
                let pace = of.rate.map(|rate| (number, of.producers, rate));
                let taken = produce(connection, pacing, of.batch, pace).await?;
                // Where events are claimed, it is the claims whose times are asked for.
                Ok(if of.consumers > 0 { Taken { times: Vec::new(), ..taken } } else { taken })
            });
        }
        for number in 0..of.consumers {
            let connection = self.system.connect(Purpose::Claim { number, batch: of.batch }).await?;
            let (pacing, start) = (Arc::clone(pacing), Arc::clone(start));
            loops.spawn(async move {
                start.wait().await;
                consume(connection, pacing, of).await
            });
        }
        Ok(loops)
    }
}

async fn after(length: Duration) -> Result<()> {
    sleep_until(Instant::now() + length).await;
    Ok(())
}

/// What all of them have done when they are, or have been told to end because something else has.
async fn gather(
    mut loops: JoinSet<Result<Taken>>,
    pacing: &Pacing,
    until: impl Future<Output = Result<()>>,
) -> Result<Taken> {
    let mut all = Taken::default();
    let ending = async {
        until.await?;
        pacing.end();
        pending().await
    };
    let gathering = async {
        while let Some(taken) = loops.join_next().await {
            all.add(taken??);
        }
        Ok(())
    };
    tokio::select! {
        gathered = gathering => gathered.map(|()| all),
        never = ending => never,
    }
}

/// Enqueues until the phase is over; at its part of a rate, if there is one: its number, of how many, and the rate of all.
async fn produce(
    mut connection: Box<dyn QueueConnection>,
    pacing: Arc<Pacing>,
    batch: usize,
    pace: Option<(usize, usize, usize)>,
) -> Result<Taken> {
    let mut taken = Taken::default();
    let mut ticks = pace.map(|(number, producers, rate)| {
        let between = Duration::from_secs_f64(batch as f64 / rate as f64);
        // One after the other, not all at once.
        let mut ticks = interval_at(Instant::now() + between * number as u32, between * producers as u32);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
        ticks
    });
    while pacing.may_enqueue(batch).await {
        if let Some(ticks) = &mut ticks {
            ticks.tick().await;
        }
        let began = Instant::now();
        connection.enqueue(batch).await?;
        taken.times.push(began.elapsed());
        taken.enqueued += batch;
        pacing.enqueued(batch);
    }
    Ok(taken)
}

/// Claims and completes until the phase is over or nothing is left. Ends with nothing held.
async fn consume(mut connection: Box<dyn QueueConnection>, pacing: Arc<Pacing>, of: LoadPhase) -> Result<Taken> {
    let (mut taken, mut held) = (Taken::default(), 0);
    while let Some(limit) = pacing.may_claim(of.batch).await {
        let (began, before) = (Instant::now(), held);
        held = if of.exchange { connection.exchange(limit).await? } else { connection.claim(limit).await? };
        taken.times.push(began.elapsed());
        pacing.unclaimed(limit - held);
        let completed = if of.exchange { before } else { std::mem::take(&mut held) };
        if !of.exchange && completed > 0 {
            connection.complete().await?;
        }
        taken.completed += completed;
        pacing.completed(completed);
    }
    if held > 0 {
        connection.complete().await?;
        taken.completed += held;
    }
    Ok(taken)
}
