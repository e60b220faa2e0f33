//! What goes wrong, by a schedule that a seed decides.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use clap::ValueEnum;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom;
use rand::{RngExt, SeedableRng};
use rustix::process::Signal;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use self::sql::SqlFaults;
use crate::clients::pause;
use crate::history::CallHistory;
use crate::servers::CampaignServer;
use crate::windows::Windows;

pub(crate) mod sql;

/// A kind of fault. Cut connections and engines that crash or pause come from proxies and clients, all the time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Fault {
    /// kill -9 of a server, and its restart
    Kill,
    /// SIGSTOP of a server for 0.5 to 8 s
    Stop,
    /// A session that holds the row of an engine, an event or a lane
    HeldRow,
    /// An application's transaction that enqueues and is not committed for a while
    OpenTransaction,
    /// The clock of a server goes forward or back
    ClockJump,
    /// The disk of the store is full
    FullDisk,
    /// Clients that send a byte now and then
    Dribble,
}

/// What faults need.
#[derive(Clone)]
pub(crate) struct FaultTargets {
    pub(crate) servers: Vec<CampaignServer>,
    pub(crate) history: CallHistory,
    /// When a server can be blamed for its own latency.
    pub(crate) windows: Windows,
    pub(crate) sql: Option<SqlFaults>,
    pub(crate) small_disk: Option<PathBuf>,
    pub(crate) counts: FaultCounts,
}

/// How often each has happened.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultCounts(Arc<Mutex<BTreeMap<Fault, u64>>>);

impl FaultCounts {
    fn add(&self, fault: Fault) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(fault).or_default() += 1;
    }

    pub(crate) fn of(&self, fault: Fault) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(&fault).copied().unwrap_or_default()
    }
}

/// Lets these faults happen for so long, and heals them all.
pub(crate) async fn run(targets: FaultTargets, kinds: &[Fault], seed: u64, duration: Duration) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    let end = targets.history.now() + duration;
    let mut under_way = JoinSet::new();
    while targets.history.now() < end {
        pause(Duration::from_millis(rng.random_range(200..2_000))).await;
        let Some(fault) = kinds.choose(&mut rng).copied() else { break };
        // Drawn whether or not the fault can happen now, so that the schedule depends on the seed alone.
        let server = rng.random_range(0..targets.servers.len());
        let own_seed = rng.random();
        let targets = targets.clone();
        under_way.spawn(async move { happen(&targets, fault, server, own_seed).await });
        while let Some(done) = under_way.try_join_next() {
            done??;
        }
    }
    while let Some(done) = under_way.join_next().await {
        done??;
    }
    Ok(())
}

async fn happen(targets: &FaultTargets, fault: Fault, server: usize, seed: u64) -> Result<()> {
    let mut rng = StdRng::seed_from_u64(seed);
    let server = &targets.servers[server];
    let has_own_server = matches!(fault, Fault::Kill | Fault::Stop | Fault::ClockJump | Fault::FullDisk);
    if has_own_server && !server.take() {
        return Ok(());
    }
    targets.counts.add(fault);
    let from = targets.history.now();
    let done = match fault {
        Fault::Kill => kill(server, &mut rng).await,
        Fault::Stop => {
            server.signal(Signal::STOP);
            // Most are short, some are long.
            pause(Duration::from_millis(500 + (7_500.0 * rng.random::<f64>().powi(3)) as u64)).await;
            server.signal(Signal::CONT);
            Ok(())
        }
        Fault::ClockJump => jump(server, &mut rng).await,
        Fault::FullDisk => fill_disk(targets, &mut rng).await,
        Fault::Dribble => dribble(server, &mut rng).await,
        Fault::HeldRow | Fault::OpenTransaction => {
            let hold = Duration::from_millis(rng.random_range(500..8_000));
            match &targets.sql {
                Some(sql) if fault == Fault::HeldRow => sql.hold_row(&mut rng, hold).await,
                Some(sql) => sql.enqueue_slowly(&targets.history, &mut rng, hold).await,
                None => Ok(()),
            }
        }
    };
    if has_own_server {
        let everybody = targets.servers.iter().filter(|other| fault == Fault::FullDisk || other.index == server.index);
        for spoiled in everybody {
            // A clock that jumps is no excuse for a server that runs.
            if fault != Fault::ClockJump {
                targets.windows.add(spoiled.index, from, targets.history.now());
            }
        }
        // Its clients have some time in which nothing is wrong with it.
        pause(Duration::from_millis(rng.random_range(1_000..4_000))).await;
        server.release();
    }
    done
}

async fn kill(server: &CampaignServer, rng: &mut StdRng) -> Result<()> {
    server.kill()?;
    pause(Duration::from_millis(rng.random_range(0..1_500))).await;
    server.start_again().await
}

/// There for a while, and back.
async fn jump(server: &CampaignServer, rng: &mut StdRng) -> Result<()> {
    let far = [2, 10, 60, 600, 3_600];
    let seconds = far.choose(rng).copied().unwrap_or_default();
    server.move_clock(if rng.random_bool(0.5) { seconds } else { -seconds })?;
    pause(Duration::from_millis(rng.random_range(500..4_000))).await;
    server.move_clock(0)
}

async fn fill_disk(targets: &FaultTargets, rng: &mut StdRng) -> Result<()> {
    let hold = Duration::from_millis(rng.random_range(1_000..4_000));
    match (&targets.small_disk, &targets.sql) {
        (Some(folder), _) => {
            let filler = folder.join("filler");
            let path = filler.clone();
            tokio::task::spawn_blocking(move || {
                let chunk = vec![0_u8; 1 << 20];
                let Ok(mut file) = std::fs::File::create(path) else { return };
                // Until there is no room.
                while file.write_all(&chunk).is_ok() {}
                while file.write_all(&chunk[..1024]).is_ok() {}
            })
            .await?;
            pause(hold).await;
            std::fs::remove_file(filler)?;
            Ok(())
        }
        (None, Some(sql)) => sql.fill_disk(hold).await,
        (None, None) => Ok(()),
    }
}

/// A few connections that send lines of events, byte by byte.
async fn dribble(server: &CampaignServer, rng: &mut StdRng) -> Result<()> {
    let head = "POST /v1/events/batch HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/x-ndjson\r\n\
                transfer-encoding: chunked\r\n\r\n";
    let mut connections = Vec::new();
    for _ in 0..rng.random_range(5..40) {
        // A server that is away has nothing to suffer from.
        let Ok(mut connection) = TcpStream::connect(("127.0.0.1", server.port)).await else { continue };
        connection.write_all(head.as_bytes()).await.ok();
        connections.push(connection);
    }
    for _ in 0..rng.random_range(5..40) {
        for connection in &mut connections {
            connection.write_all(b"1\r\n \r\n").await.ok();
        }
        pause(Duration::from_millis(200)).await;
    }
    Ok(())
}
