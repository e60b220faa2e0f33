//! A server for tests by hand: says where it is, and is gone when its stdin or itself ends.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a server for tests by hand: somebody reads")]

use std::io::{Read, stdin};

use enginehouse_cluster::{Cluster, SHARED_SETTINGS};

fn main() {
    let cluster = Cluster::start_with(SHARED_SETTINGS);
    println!("{}", cluster.url("postgres"));
    eprintln!("its data is in {}; end it with Ctrl-D", cluster.data_folder().display());
    // An error is an end too.
    stdin().read_to_end(&mut Vec::new()).ok();
}
