//! What a server has asked of the disk before it answers, as the kernel has seen it.

use std::path::Path;
use std::process::{Command, Stdio};

use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_tests::{TestServer, binary};

/// The system calls that matter, in the order in which they ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SystemCall {
    /// The log is on the disk: its data, and what is needed to find it.
    DataSynced,
    /// With its times and everything else, too.
    WholeFileSynced,
    /// An event was acknowledged.
    Acknowledged,
}

/// A server whose system calls are written to a file. Its standard error says what is wrong with it.
fn traced(trace: &Path, store: &Path, flags: &[&str]) -> TestServer {
    let mut strace = Command::new("strace");
    // The server is the child, and strace its grandchild: signals reach the server.
    strace.args(["-D", "-f", "-qq", "-y", "-s", "16", "-e", "trace=fsync,fdatasync,sendto,write,writev", "-o"]);
    strace.arg(trace).arg(binary()).arg("serve").env("ENGINEHOUSE_LOG", "error").stdin(Stdio::null());
    TestServer::with(strace, &format!("sqlite://{}", store.display()), flags)
}

fn system_calls(trace: &Path) -> Vec<SystemCall> {
    let text = std::fs::read_to_string(trace).unwrap();
    let mut calls = Vec::new();
    for line in text.lines() {
        // A call that others came in between of begins in one line and ends in another.
        let has_ended = line.trim_end().ends_with("= 0");
        if has_ended && (line.contains(" fdatasync(") || line.contains("<... fdatasync resumed>")) {
            calls.push(SystemCall::DataSynced);
        } else if has_ended && (line.contains(" fsync(") || line.contains("<... fsync resumed>")) {
            calls.push(SystemCall::WholeFileSynced);
        } else if line.contains("HTTP/1.1 201") {
            calls.push(SystemCall::Acknowledged);
        }
    }
    calls
}

/// What was done before each of so many acknowledgements, one call after the other.
async fn before_acknowledgements(durability: &str) -> Vec<Vec<SystemCall>> {
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let server = traced(&trace, &folder.path().join("enginehouse.db"), &["--durability", durability]);
    let client = server.client();
    for _ in 0..20 {
        client.enqueue(&EnqueueRequest { event_type: "render".to_owned(), ..Default::default() }).await.unwrap();
    }
    assert_eq!(server.stop(), Some(0));
    let calls = system_calls(&trace);
    let mut acknowledged: Vec<_> =
        calls.split_inclusive(|call| *call == SystemCall::Acknowledged).map(<[_]>::to_vec).collect();
    // What follows the last one belongs to the end of the server.
    acknowledged.pop_if(|calls| calls.last() != Some(&SystemCall::Acknowledged));
    assert_eq!(acknowledged.len(), 20, "{calls:?}");
    // What precedes the first one belongs to its beginning.
    acknowledged.remove(0);
    acknowledged
}

#[tokio::test]
async fn an_event_is_acknowledged_after_its_data_is_on_the_disk_and_not_before() {
    for calls in before_acknowledgements("full").await {
        assert!(calls.contains(&SystemCall::DataSynced), "{calls:?}");
        assert!(!calls.contains(&SystemCall::WholeFileSynced), "its times need not be: {calls:?}");
    }
    // Without the promise there is no wait for the disk: so what is looked for above can be missing.
    let relaxed = before_acknowledgements("relaxed").await;
    assert!(relaxed.iter().any(|calls| calls == &[SystemCall::Acknowledged]), "{relaxed:?}");
}
