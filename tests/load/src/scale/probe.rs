//! What a server says of itself, and when it is ready.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::time::{Instant, interval};

use crate::processes::{cpu_time, memory};
use crate::queue::QueueSystem;
use crate::sql_session::connect;
use crate::systems::{Enginehouse, HttpConnection};

pub(super) const MIB: f64 = 1024.0 * 1024.0;

/// How long anything may take that is waited for.
const LIMIT: Duration = Duration::from_secs(1_800);

/// Waits until a server says that it is ready.
pub(super) async fn ready(port: u16) -> Result<()> {
    let mut http = HttpConnection::open(port).await?;
    let (began, mut again) = (Instant::now(), interval(Duration::from_millis(5)));
    while let Err(error) = http.call("GET", "/readyz", "").await {
        if began.elapsed() > LIMIT {
            return Err(error.context("the server does not become ready"));
        }
        again.tick().await;
    }
    Ok(())
}

/// Asks for a metric until it has come to a value.
pub(super) async fn metric_reaches(port: u16, name: &str, value: f64) -> Result<()> {
    let mut http = HttpConnection::open(port).await?;
    let (began, mut again) = (Instant::now(), interval(Duration::from_millis(100)));
    loop {
        let now = metric(&mut http, name).await?;
        if now >= value {
            return Ok(());
        }
        if began.elapsed() > LIMIT {
            bail!("{name} is {now} after {} s, and not {value}", LIMIT.as_secs());
        }
        again.tick().await;
    }
}

/// The sum of all samples of a metric.
pub(super) async fn metric(http: &mut HttpConnection, name: &str) -> Result<f64> {
    let page = http.call("GET", "/metrics", "").await?;
    sum_of(std::str::from_utf8(&page)?, name).with_context(|| format!("the server has no metric {name}"))
}

fn sum_of(page: &str, name: &str) -> Option<f64> {
    let samples = page.lines().filter(|line| line.strip_prefix(name).is_some_and(|rest| rest.starts_with([' ', '{'])));
    samples.filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok()).reduce(|one, other| one + other)
}

/// The memory of a server without its database, in bytes.
pub(super) fn server_memory(pid: u32) -> f64 {
    memory(&[pid]) as f64
}

/// The processor time of a server, and of its database.
pub(super) struct CpuShare {
    server: u32,
    others: Vec<u32>,
    began: Instant,
    before: (Duration, Duration),
}

impl CpuShare {
    pub(super) fn begin(server: &Enginehouse) -> Self {
        let pid = server.server().pid();
        let others: Vec<_> = server.processes().into_iter().filter(|other| *other != pid).collect();
        let before = (cpu_time(&[pid]), cpu_time(&others));
        Self { server: pid, others, began: Instant::now(), before }
    }

    /// Percent of one processor since then.
    pub(super) fn percent(&self) -> (f64, f64) {
        let seconds = self.began.elapsed().as_secs_f64();
        let of = |pids: &[u32], before: Duration| cpu_time(pids).saturating_sub(before).as_secs_f64() * 100.0 / seconds;
        (of(&[self.server], self.before.0), of(&self.others, self.before.1))
    }
}

/// How much a store takes on the disk, its log aside where that is PostgreSQL's.
pub(super) async fn data_bytes(server: &Enginehouse) -> Result<f64> {
    let Some(database) = server.database() else {
        return Ok(files_in(server.server().folder()) as f64);
    };
    let row = connect(database).await?.query_one("select pg_database_size(current_database())", &[]).await?;
    Ok(row.get::<_, i64>(0) as f64)
}

fn files_in(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_the_sum_of_its_samples() {
        let page = "# TYPE a gauge\na_total 9\na{of=\"b c\"} 1\na{of=\"d\"} 2.5\nab 7\n# EOF\n";
        assert_eq!(sum_of(page, "a"), Some(3.5));
        assert_eq!(sum_of(page, "a_total"), Some(9.0));
        assert_eq!(sum_of(page, "c"), None);
    }
}
