//! The audit log, as people have it: listed, exported, and verified after somebody has changed it behind the server's back.

use std::process::Output;

use enginehouse_tests::postgres::TestDatabase;
use enginehouse_tests::{TestServer, command, text, until};
use serde_json::Value;

#[track_caller]
fn done(arguments: &[&str]) -> String {
    let output = command(arguments).env("ENGINEHOUSE_DURABILITY", "relaxed").output().unwrap();
    assert!(output.status.success(), "{arguments:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

fn verify(store: &str, more: &[&str]) -> Output {
    command([&["audit", "verify", "--store", store], more].concat())
        .env("ENGINEHOUSE_DURABILITY", "relaxed")
        .output()
        .unwrap()
}

#[track_caller]
fn is_found_out(store: &str, more: &[&str], why: &str) {
    let output = verify(store, more);
    let said = text(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains(why), "{:?} {said}", output.status.code());
}

/// Makes entries: 1 to 4 are pauses of queues, 5 makes a token.
fn given_entries(url: &str, store: &str, stop: impl FnOnce()) {
    for queue in ["a", "b", "c", "d"] {
        done(&["queue", "pause", queue, "--url", url]);
    }
    stop();
    done(&["token", "create", "root", "--role", "admin", "--store", store, "-q"]);
}

/// What somebody does to the log, and what is found. `log` and `chain` are the tables.
const TAMPERED: [(&str, &str); 5] = [
    ("delete from {log} where position = 2", "entry 2 is missing"),
    ("update {log} set principal = 'server' where position = 3", "entry 3 was changed"),
    ("update {log} set position = position + 10 where position = 4", "entry 4 is missing"),
    ("delete from {log} where position >= 4", "from entry 4 on"),
    ("delete from {log} where position = 1", "entry 1 is missing"),
];

#[test]
fn whoever_changes_the_log_in_a_file_is_found_out() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("house.db");
    let store = format!("sqlite://{}", data_file.display());
    let server = TestServer::on(&data_file, &[]);
    let url = server.url.clone();
    given_entries(&url, &store, || assert_eq!(server.stop(), Some(0)));
    let verified: Value = serde_json::from_str(&done(&["audit", "verify", "--store", &store, "-o", "json"])).unwrap();
    assert_eq!((&verified["entries"], &verified["head"]["position"]), (&5.into(), &5.into()));
    let head = verified["head"]["hash"].as_str().unwrap();
    done(&["audit", "verify", "--store", &store, "--head", head]);
    let exported = done(&["audit", "export", "--store", &store, "--after", "4"]);
    let token: Value = serde_json::from_str(&exported).unwrap();
    assert_eq!((&token["action"], &token["principal"]), (&"token.create".into(), &"store".into()));
    let whole = std::fs::read(&data_file).unwrap();
    let change = |sql: &str| {
        std::fs::write(&data_file, &whole).unwrap();
        let file = rusqlite::Connection::open(&data_file).unwrap();
        file.execute_batch(&sql.replace("{log}", "audit_log").replace("{chain}", "audit_chain")).unwrap();
        file.pragma_update(None, "wal_checkpoint", "truncate").ok();
    };
    for (sql, why) in TAMPERED {
        change(sql);
        is_found_out(&store, &[], why);
    }
    // Cut off with what the store says of its end: only a copy of the head shows it.
    change(
        "delete from {log} where position = 5; \
         update {chain} set position = 4, hash = (select hash from {log} where position = 4) where name = 'head'",
    );
    done(&["audit", "verify", "--store", &store]);
    is_found_out(&store, &["--head", head], "no entry has the hash");
    // Whoever takes the end away is found out, and keeps nobody from what they do.
    change("delete from {chain}");
    is_found_out(&store, &[], "stands behind the newest");
    done(&["token", "create", "second", "--role", "viewer", "--store", &store, "-q"]);
    done(&["audit", "verify", "--store", &store, "--head", head]);
}

#[tokio::test]
async fn whoever_changes_the_log_in_a_database_is_found_out() {
    let database = TestDatabase::new().await;
    let (store, client) = (database.url(), database.connect().await);
    let server = TestServer::at(&store, &["--durability", "relaxed"]);
    let url = server.url.clone();
    for queue in ["a", "b", "c", "d"] {
        done(&["queue", "pause", queue, "--url", &url]);
    }
    // The server links them by itself.
    let linked = async || {
        let output = command(["audit", "verify", "--url", &url, "-o", "json"]).output().unwrap();
        let found: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
        (found["entries"] == 4).then_some(())
    };
    until("a server links what it has written", linked).await;
    assert_eq!(server.stop(), Some(0));
    done(&["token", "create", "root", "--role", "admin", "--store", &store, "-q"]);
    done(&["audit", "verify", "--store", &store]);
    for (sql, why) in TAMPERED {
        client.batch_execute("create table kept as select * from enginehouse.audit_log").await.unwrap();
        client.batch_execute(&sql.replace("{log}", "enginehouse.audit_log")).await.unwrap();
        is_found_out(&store, &[], why);
        let restore = "delete from enginehouse.audit_log; \
             insert into enginehouse.audit_log overriding system value select * from kept; drop table kept";
        client.batch_execute(restore).await.unwrap();
    }
    done(&["audit", "verify", "--store", &store]);
}
