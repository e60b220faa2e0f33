//! What a throwaway server promises to the tests that use it.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use enginehouse_cluster::{Cluster, Pgbouncer, PoolMode, Stop, psql, shared, try_psql};

/// The longest that a test waits for what goes by itself.
const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_server_answers_and_leaves_nothing_when_dropped() {
    let cluster = Cluster::start();
    assert_eq!(cluster.psql("select 40 + 2, 'x'"), "42|x");
    assert_eq!(cluster.psql("show server_encoding"), "UTF8");
    let socket = format!("postgres:///postgres?host={}&port={}", cluster.socket_folder().display(), cluster.port());
    assert_eq!(psql(&format!("{socket}&user=postgres"), "select 1"), "1");
    let remains = Remains::of(&cluster);
    drop(cluster);
    remains.are_gone();
}

#[test]
fn settings_may_be_overridden() {
    let cluster = Cluster::start_with(&[("fsync", "on"), ("search_path", "\"it's\", public")]);
    assert_eq!(cluster.psql("show fsync"), "on");
    assert_eq!(cluster.psql("show search_path"), "\"it's\", public");
}

#[test]
fn what_was_committed_survives_a_kill_and_what_was_not_does_not() {
    let cluster = Cluster::start();
    let database = cluster.create_database();
    psql(&database, "create table t as select generate_series(1, 1000) as n");
    let (postmaster, mut open) = (cluster.postmaster_pid(), transaction_left_open(&database));

    cluster.kill();
    assert!(!open.wait().unwrap().success(), "a client loses its connection");
    assert!(!runs(postmaster));
    assert!(try_psql(&database, "select 1").is_err());

    cluster.start_again();
    assert_ne!(cluster.postmaster_pid(), postmaster);
    assert_eq!(psql(&database, "select count(*) from t"), "1000");
    assert!(cluster.log().contains("was not properly shut down"), "{}", cluster.log());
}

#[test]
fn a_server_that_was_killed_leaves_nothing_when_dropped() {
    let cluster = Cluster::start();
    let remains = Remains::of(&cluster);
    cluster.kill();
    drop(cluster);
    remains.are_gone();
}

#[test]
fn a_server_that_is_stopped_starts_again_where_it_was() {
    let cluster = Cluster::start();
    cluster.psql("create table t ()");
    for how in [Stop::Fast, Stop::Immediate] {
        cluster.stop(how);
        assert!(try_psql(&cluster.url("postgres"), "select 1").is_err());
        cluster.start_again();
        assert_eq!(cluster.psql("select count(*) from t"), "0");
    }
    cluster.restart();
    assert_eq!(cluster.psql("select count(*) from t"), "0");
}

#[test]
fn a_synchronous_standby_takes_over_with_all_that_was_answered() {
    let primary = Cluster::start();
    let standby = Cluster::standby_of(&primary, true);
    primary.psql("create table t (n int)");
    for n in 1..=20 {
        primary.psql(&format!("insert into t values ({n})"));
    }
    assert!(try_psql(&standby.url("postgres"), "create table u ()").is_err_and(|error| error.contains("read-only")));

    primary.kill();
    standby.promote();
    assert_eq!(standby.psql("select count(*) from t"), "20");
    standby.psql("insert into t values (21)");
}

#[test]
fn a_standby_that_is_not_synchronous_keeps_nobody_waiting() {
    let primary = Cluster::start();
    let standby = Cluster::standby_of(&primary, false);
    standby.stop(Stop::Fast);
    primary.psql("create table t ()");
    assert_eq!(primary.psql("show synchronous_standby_names"), "");
}

#[test]
fn pgbouncer_shares_connections_between_transactions() {
    let cluster = Cluster::start();
    let pgbouncer = Pgbouncer::in_front_of(&cluster, PoolMode::Transaction, 1);
    let url = pgbouncer.url("postgres");
    let pid = "select pg_backend_pid()";
    let first = psql(&url, pid);
    assert_eq!(psql(&url, pid), first, "the second client has the connection of the first");
    assert!(psql(&pgbouncer.url("pgbouncer"), "show config").contains("pool_mode|transaction|"));
    let (log, port) = (pgbouncer.log(), pgbouncer.port());
    assert!(log.contains("process up"), "{log}");
    drop(pgbouncer);
    assert!(std::net::TcpStream::connect(("127.0.0.1", port)).is_err(), "it has ended");
}

#[test]
fn a_killed_owner_leaves_nothing() {
    let mut owner = Command::new(env!("CARGO_BIN_EXE_enginehouse-cluster"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut url = String::new();
    BufReader::new(owner.stdout.take().unwrap()).read_line(&mut url).unwrap();
    let data = PathBuf::from(psql(url.trim(), "show data_directory"));
    let postmaster = pid_in(&data);
    let remains = Remains { pids: vec![postmaster], folder: data.parent().unwrap().to_owned() };
    assert!(remains.folder.exists() && runs(postmaster));
    owner.kill().unwrap();
    owner.wait().unwrap();
    remains.go_soon();
}

#[test]
fn databases_of_the_shared_server_are_empty_and_each_its_own() {
    let (a, b) = (shared().fresh_database(), shared().fresh_database());
    assert_ne!(a, b);
    psql(&a, "create table t ()");
    assert_eq!(psql(&b, "select count(*) from pg_tables where schemaname = 'public'"), "0");
    for url in [&a, &b] {
        shared().drop_database(url);
        assert!(try_psql(url, "select 1").is_err_and(|error| error.contains("does not exist")));
    }
    assert_eq!(psql(shared().url(), "select 1"), "1");
}

#[test]
#[should_panic(expected = "was not made for a test")]
fn a_database_that_was_not_made_for_a_test_is_not_dropped() {
    shared().drop_database(shared().url());
}

/// What there is of a server.
struct Remains {
    pids: Vec<u32>,
    folder: PathBuf,
}

impl Remains {
    fn of(cluster: &Cluster) -> Self {
        let pids = cluster.psql("select pid from pg_stat_activity where backend_type <> 'client backend'");
        let pids = pids.lines().map(|pid| pid.parse().unwrap()).chain([cluster.postmaster_pid()]).collect();
        let folder = cluster.data_folder().parent().unwrap().to_owned();
        let remains = Self { pids, folder };
        assert!(remains.pids.len() > 3 && remains.pids.iter().all(|pid| runs(*pid)));
        remains
    }

    fn left(&self) -> Vec<String> {
        let processes = self.pids.iter().filter(|pid| runs(**pid)).map(|pid| format!("process {pid}"));
        let folder = self.folder.exists().then(|| self.folder.display().to_string());
        processes.chain(folder).collect()
    }

    fn are_gone(&self) {
        assert_eq!(self.left(), [""; 0]);
        let segments = std::fs::read_to_string("/proc/sysvipc/shm").unwrap_or_default();
        let creators = segments.lines().skip(1).filter_map(|line| line.split_whitespace().nth(4)?.parse::<u32>().ok());
        let left: Vec<_> = creators.filter(|pid| self.pids.contains(pid)).collect();
        assert_eq!(left, [0; 0], "shared memory is left");
    }

    #[expect(clippy::disallowed_methods, reason = "a limit, and the pause between two looks at what gives no signal")]
    fn go_soon(&self) {
        let begin = Instant::now();
        while !self.left().is_empty() && begin.elapsed() < LIMIT {
            std::thread::sleep(Duration::from_millis(20));
        }
        self.are_gone();
    }
}

/// Whether a process runs: one that has ended may still be a zombie.
fn runs(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}

fn pid_in(data: &Path) -> u32 {
    let file = std::fs::read_to_string(data.join("postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

/// A client amid a transaction, which has deleted everything and does not commit.
fn transaction_left_open(url: &str) -> std::process::Child {
    let mut child = Command::new("psql")
        .args(["-X", "-qAt", "-d", url, "-c", "begin", "-c", "delete from t", "-c", "select 'deleted'"])
        .args(["-c", "select pg_sleep(600)"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert_eq!(line.trim(), "deleted");
    child
}
