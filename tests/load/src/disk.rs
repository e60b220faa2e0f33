//! What the disk does by itself: small writes, each synced.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::Duration;

use anyhow::Result;
use tokio::time::Instant;

const PAGE: usize = 4096;
/// Overwritten again and again, as recycled space of a log is.
const PAGES: u64 = 1024;

/// Writes of 4 KiB a second, each followed by `fdatasync`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct DiskSpeed {
    /// Of what was written before.
    pub(crate) overwrites: f64,
    /// Behind the end of a file.
    pub(crate) appends: f64,
}

impl DiskSpeed {
    pub(crate) fn measure(length: Duration) -> Result<Self> {
        let old = tempfile::tempfile()?;
        old.write_all_at(&vec![1; PAGE * PAGES as usize], 0)?;
        old.sync_all()?;
        let overwrites = writes_a_second(&old, length, |number| number % PAGES)?;
        let appends = writes_a_second(&tempfile::tempfile()?, length, |number| number)?;
        Ok(Self { overwrites, appends })
    }
}

fn writes_a_second(file: &File, length: Duration, page: impl Fn(u64) -> u64) -> Result<f64> {
    let (began, mut writes) = (Instant::now(), 0);
    while began.elapsed() < length {
        file.write_all_at(&[2; PAGE], page(writes) * PAGE as u64)?;
        file.sync_data()?;
        writes += 1;
    }
    Ok(writes as f64 / began.elapsed().as_secs_f64())
}
