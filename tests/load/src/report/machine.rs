//! On what it was measured.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Result, bail};
use enginehouse_cluster::{Cluster, try_psql};

/// File systems that a sync does not bring to a disk.
const IN_MEMORY: [&str; 2] = ["tmpfs", "ramfs"];

/// The machine before anything was measured.
pub(crate) struct Machine {
    lines: Vec<(&'static str, String)>,
}

impl Machine {
    /// Refuses to measure syncs in memory.
    pub(crate) fn look() -> Result<Self> {
        let folder = std::env::temp_dir().canonicalize()?;
        let file_system = file_system(&fs::read_to_string("/proc/mounts")?, &folder);
        if IN_MEMORY.contains(&file_system.as_str()) {
            bail!("{} is in memory, where a sync costs nothing: set TMPDIR to a folder on a disk", folder.display());
        }
        let cores = std::thread::available_parallelism().map_or(0, usize::from);
        let memory = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse::<f64>().unwrap_or_default();
        let loads = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let lines = vec![
            ("Date", first_line("date", &["-u", "+%F %H:%M UTC"])),
            ("Commit", commit()),
            ("Processor", format!("{cores} × {}", field("/proc/cpuinfo", "model name"))),
            ("Memory", format!("{:.1} GiB", memory / 1024.0 / 1024.0)),
            (
                "Kernel",
                format!("Linux {}", fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim()),
            ),
            ("System", field("/etc/os-release", "PRETTY_NAME").trim_matches('"').to_owned()),
            ("File system of the data", file_system),
            ("Load before", loads.split(' ').next().unwrap_or_default().to_owned()),
        ];
        Ok(Self { lines })
    }

    pub(super) fn describe(&self) -> String {
        self.lines.iter().map(|(name, value)| format!("- {name}: {value}\n")).collect()
    }
}

/// What each server says of itself.
pub(crate) fn versions(cluster: Option<&Cluster>) -> Vec<(&'static str, String)> {
    let beside = std::env::current_exe().map(|own| own.with_file_name("enginehouse")).unwrap_or_default();
    let mut versions = vec![
        ("Enginehouse", first_line(beside, &["--version"])),
        ("Redis", first_line("redis-server", &["--version"])),
        ("beanstalkd", first_line("beanstalkd", &["-v"])),
    ];
    if let Some(cluster) = cluster {
        versions.push(("PostgreSQL", try_psql(&cluster.url("postgres"), "show server_version").unwrap_or_default()));
    }
    versions
}

fn commit() -> String {
    let git = |line: &[&str]| first_line("git", line);
    let changed = if git(&["status", "--porcelain"]).is_empty() { "" } else { ", with changes" };
    format!("{}{changed}", git(&["rev-parse", "--short=12", "HEAD"]))
}

/// Nothing, where the program is not there.
fn first_line(program: impl AsRef<std::ffi::OsStr>, line: &[&str]) -> String {
    let output = Command::new(program).args(line).stdin(Stdio::null()).output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).lines().next().unwrap_or_default().to_owned()
}

/// The value of the first line that begins with a name.
fn field(path: &str, name: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim_start().strip_prefix([':', '=']));
    value.unwrap_or_default().trim().to_owned()
}

/// The kind of file system that a folder lies on, by the table of mounts.
fn file_system(mounts: &str, folder: &Path) -> String {
    let mounts = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?))
    });
    let above = mounts.filter(|(place, _)| folder.starts_with(place));
    // A later mount hides an earlier one at the same place.
    above.max_by_key(|(place, _)| place.len()).map(|(_, kind)| kind.to_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_closest_mount_counts() {
        let mounts = "dev / ext4 rw 0 0\nnone /tmp tmpfs rw 0 0\nnone /tmpfoo xfs rw 0 0\n";
        assert_eq!(file_system(mounts, Path::new("/tmp/a")), "tmpfs");
        assert_eq!(file_system(mounts, Path::new("/var")), "ext4");
    }
}
