//! PostgreSQL servers for tests, thrown away afterwards.
//!
//! Most tests want nothing but an empty database: [`shared()`] gives them one, on a server that all of them share. A
//! test that stops, kills or promotes a server has a [`Cluster`] of its own. [`Pgbouncer`] stands in front of one.
//!
//! Invariant: nothing stays behind, however a test ends. Destructors do not run when a process is killed, nor those
//! of statics when it exits, so each server has a watchdog: a process that waits for the end of its owner, then stops
//! the server and removes its folder. Dropping a server only tells the watchdog to do so now. This is why no server
//! keeps anything outside of its folder.
//!
//! PostgreSQL refuses to run as root. Where tests do, its programs run as `postgres`, or else as `nobody`.

pub use self::cluster::{Cluster, Stop};
pub use self::pgbouncer::{Pgbouncer, PoolMode};
pub use self::programs::{dump_and_restore, is_installed, psql, try_psql};
pub use self::shared::{SHARED_SETTINGS, SharedServer, VARIABLE, shared};

mod cluster;
mod database_names;
mod pgbouncer;
mod ports;
mod processes;
mod programs;
mod shared;
mod waiting;
mod watchdog;
