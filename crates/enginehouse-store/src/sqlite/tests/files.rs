//! The names of a data file, whose it is, and what becomes of it while the store works.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::sync::Arc;

use super::TestFolder;
use crate::conformance::given::{claim, given_events, status};
use crate::sqlite::file_lock::FileLock;
use crate::sqlite::{SqliteOpenError, SqliteOptions, SqliteStore, back_up, inspect};
use crate::store::{Queries, Store};
use crate::{Applied, StoreAdmin, StoreError};

fn refusal(opened: Result<SqliteStore, SqliteOpenError>) -> SqliteOpenError {
    match opened {
        Ok(_) => panic!("it was opened"),
        Err(error) => error,
    }
}

fn open(folder: &TestFolder, path: &Path) -> Result<SqliteStore, SqliteOpenError> {
    SqliteStore::open(SqliteOptions { path: path.to_owned(), ..folder.options() })
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[tokio::test]
async fn a_file_is_opened_once_whatever_it_is_called() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", [1]).await;
    let (link, other_folder) = (folder.file("link.db"), folder.file("folder"));
    symlink(folder.path(), &link).unwrap();
    symlink(folder.file("."), &other_folder).unwrap();
    for path in [folder.path(), link.clone(), other_folder.join("enginehouse.db")] {
        let error = refusal(open(&folder, &path));
        assert!(matches!(error, SqliteOpenError::InUse { .. }), "{error}");
    }
    let hard_link = folder.file("hard.db");
    fs::hard_link(folder.path(), &hard_link).unwrap();
    assert!(matches!(refusal(open(&folder, &hard_link)), SqliteOpenError::InUse { .. }));
    // The refusals have closed nothing that SQLite has locks on: another process is still kept out while it writes.
    claim(&store, 1, "sim-1").await;
    drop(store);

    // A link to the file is followed, once.
    fs::remove_file(&hard_link).unwrap();
    let store = open(&folder, &link).unwrap();
    assert!(store.describe().ends_with(&fs::canonicalize(folder.path()).unwrap().display().to_string()));
    status(&store, 1).await;
}

/// Other threads may be about to let go of it when the server has ended.
#[tokio::test]
async fn a_store_that_is_closed_leaves_one_file_whoever_still_holds_it() {
    let folder = TestFolder::new();
    let store = Arc::new(folder.open());
    given_events(&*store, "render", [1]).await;
    status(&*store, 1).await;
    let (reads, may_end) = std::sync::mpsc::channel::<()>();
    let (begun, has_begun) = tokio::sync::oneshot::channel();
    let reading = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let wait = move |_: &_| Ok((begun.send(()), may_end.recv()).1.is_err());
            store.readers.read(wait).await
        })
    };
    has_begun.await.unwrap();
    let closing = tokio::spawn({
        let store = Arc::clone(&store);
        async move { store.close().await }
    });
    drop(reads);
    closing.await.unwrap();
    assert!(reading.await.unwrap().unwrap(), "what was read when it was closed is answered");
    assert_eq!(folder.names(), ["enginehouse.db"]);
    for refused in [store.begin().await.map(drop), store.settings().await.map(drop)] {
        assert!(matches!(refused, Err(StoreError::Unavailable { applied: Applied::No, .. })), "{refused:?}");
    }
    store.close().await;
}

#[test]
fn a_file_of_several_names_is_refused_with_and_without_a_server() {
    let folder = TestFolder::new();
    drop(folder.open());
    let hard_link = folder.file("hard.db");
    fs::hard_link(folder.path(), &hard_link).unwrap();
    for path in [folder.path(), hard_link.clone()] {
        let error = refusal(open(&folder, &path));
        assert!(matches!(error, SqliteOpenError::Links { links: 2, .. }), "{error}");
        assert!(error.to_string().contains("remove the others"), "{error}");
    }
    assert_eq!(folder.names(), ["enginehouse.db", "hard.db"]);
    fs::remove_file(hard_link).unwrap();
    folder.open();
}

#[test]
fn a_link_to_nowhere_is_not_followed() {
    let folder = TestFolder::new();
    let link = folder.file("link.db");
    symlink(folder.path(), &link).unwrap();
    assert!(matches!(refusal(open(&folder, &link)), SqliteOpenError::Missing { .. }));
    assert_eq!(folder.names(), ["link.db"]);
}

/// Whoever may write to the folder cannot have the log written to a file of their choice.
#[test]
fn a_log_that_is_a_link_is_refused() {
    let folder = TestFolder::new();
    drop(folder.open());
    for name in ["enginehouse.db-wal", "enginehouse.db-shm"] {
        symlink(folder.file("elsewhere"), folder.file(name)).unwrap();
        assert!(matches!(refusal(open(&folder, &folder.path())), SqliteOpenError::Unreadable { .. }), "{name}");
        assert!(!folder.file("elsewhere").exists());
        fs::remove_file(folder.file(name)).unwrap();
    }
}

#[tokio::test]
async fn files_are_for_their_owner_alone() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", [1]).await;
    store.backup(&folder.file("backup.db")).await.unwrap();
    for name in ["enginehouse.db", "enginehouse.db-wal", "enginehouse.db-shm", "backup.db"] {
        assert_eq!(mode(&folder.file(name)), 0o600, "{name}");
    }
}

#[test]
fn a_lock_is_of_the_file_that_has_the_name() {
    let folder = TestFolder::new();
    fs::write(folder.path(), "").unwrap();
    let lock = FileLock::take(&folder.path(), false).unwrap();
    fs::rename(folder.path(), folder.file("moved.db")).unwrap();
    fs::write(folder.path(), "").unwrap();
    // Another file, and another lock.
    drop(FileLock::take(&folder.path(), false).unwrap());
    assert!(FileLock::holder(&folder.file("moved.db")).unwrap().is_some());
    drop(lock);
    assert_eq!(FileLock::holder(&folder.file("moved.db")).unwrap(), None);
}

/// What was committed is in the data file and its log together.
#[tokio::test]
async fn a_log_without_its_data_file_is_not_begun_anew() {
    for begin in [|path: &Path| fs::remove_file(path).unwrap(), |path: &Path| fs::write(path, "").unwrap()] {
        let folder = TestFolder::new();
        let store = Arc::new(folder.open());
        given_events(&*store, "render", [1]).await;
        let log = fs::read(folder.file("enginehouse.db-wal")).unwrap();
        drop(store);
        fs::write(folder.file("enginehouse.db-wal"), &log).unwrap();
        begin(&folder.path());
        let names = folder.names();
        let error = refusal(open(&folder, &folder.path()));
        assert!(matches!(error, SqliteOpenError::LogAlone { .. }), "{error}");
        assert!(error.to_string().contains("put the data file back beside its log"), "{error}");
        assert!(inspect(&folder.path()).await.is_err());
        assert_eq!(folder.names(), names);
        assert!(fs::read(folder.file("enginehouse.db-wal")).unwrap() == log);
    }
}

/// SQLite would write the log of the old file into the backup that was put in its place.
#[tokio::test]
async fn a_backup_beside_the_log_of_another_file_is_refused() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", [1]).await;
    store.backup(&folder.file("backup.db")).await.unwrap();
    given_events(&store, "render", [2]).await;
    let log = fs::read(folder.file("enginehouse.db-wal")).unwrap();
    drop(store);
    fs::rename(folder.file("backup.db"), folder.path()).unwrap();
    fs::write(folder.file("enginehouse.db-wal"), &log).unwrap();
    let error = refusal(open(&folder, &folder.path()));
    assert!(matches!(error, SqliteOpenError::ForeignLog { .. }), "{error}");
    assert!(
        matches!(back_up(&folder.path(), &folder.file("b.db")).await, Err(error) if error.to_string().contains("move the log away"))
    );
    fs::remove_file(folder.file("enginehouse.db-wal")).unwrap();
    status(&folder.open(), 1).await;
}

/// What is done to a file.
type TakeAway<'a> = &'a dyn Fn(&Path);

/// Every commit would succeed, and be gone at the next start.
#[tokio::test]
async fn nothing_is_written_once_a_file_was_taken_away() {
    let replace = |path: &Path| {
        fs::rename(path, path.with_extension("away")).unwrap();
        fs::copy(path.with_extension("away"), path).unwrap();
    };
    let cases: [(&str, &str, TakeAway); 6] = [
        ("enginehouse.db", "was removed or renamed", &|path| fs::remove_file(path).unwrap()),
        ("enginehouse.db", "was removed or renamed", &|path| fs::rename(path, path.with_extension("away")).unwrap()),
        ("enginehouse.db", "was replaced by another file", &replace),
        ("enginehouse.db", "was cut off from outside", &|path| {
            fs::OpenOptions::new().write(true).open(path).unwrap().set_len(1024).unwrap();
        }),
        ("enginehouse.db-wal", "was removed or renamed", &|path| fs::remove_file(path).unwrap()),
        ("enginehouse.db-shm", "was replaced by another file", &replace),
    ];
    for (name, what, take_away) in cases {
        let folder = TestFolder::new();
        let store = folder.open();
        given_events(&store, "render", [1]).await;
        assert_eq!(store.ended().await, None);
        take_away(&folder.file(name));
        let kept: Vec<_> = folder.names();
        match store.begin().await.map(drop) {
            Err(StoreError::Unavailable { applied: Applied::No, reason }) => {
                assert!(reason.contains(name) && reason.contains(what) && reason.contains("start"), "{reason}");
            }
            other => panic!("{name} {what}: {other:?}"),
        }
        assert!(store.ended().await.unwrap().contains(what), "{name}");
        drop(store);
        assert_eq!(folder.names(), kept, "what is there is left alone");
    }
}

/// Nobody has called; and the file is there again before anybody does.
#[tokio::test]
async fn a_file_that_was_away_is_not_trusted_again() {
    let folder = TestFolder::new();
    let store = folder.open();
    let away = folder.file("away.db");
    fs::rename(folder.path(), &away).unwrap();
    assert!(store.ended().await.is_some());
    fs::rename(&away, folder.path()).unwrap();
    assert!(store.begin().await.is_err());
    drop(store);
    given_events(&folder.open(), "render", [1]).await;
}

/// It was taken away while the transaction was under way: nobody can say that it will be found again.
#[tokio::test]
async fn a_commit_into_a_file_without_a_name_is_not_promised() {
    let folder = TestFolder::new();
    let store = folder.open();
    let transaction = store.begin().await.unwrap();
    fs::remove_file(folder.path()).unwrap();
    let error = transaction.commit().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { applied: Applied::Unknown, .. }), "{error}");
}

/// The server works on: the lock is on the file, whatever its names.
#[tokio::test]
async fn a_second_name_that_is_made_meanwhile_stops_nothing() {
    let folder = TestFolder::new();
    let store = folder.open();
    fs::hard_link(folder.path(), folder.file("hard.db")).unwrap();
    given_events(&store, "render", [1]).await;
    assert_eq!(store.ended().await, None);
    assert!(matches!(refusal(open(&folder, &folder.file("hard.db"))), SqliteOpenError::InUse { .. }));
}

/// SQLite looks at its size when it opens it.
#[tokio::test]
async fn a_file_that_was_cut_off_is_not_opened() {
    let folder = TestFolder::new();
    let store = folder.open();
    given_events(&store, "render", 1..=2_000).await;
    drop(store);
    let file = fs::OpenOptions::new().write(true).open(folder.path()).unwrap();
    file.set_len(file.metadata().unwrap().len() / 2).unwrap();
    drop(file);
    let error = refusal(open(&folder, &folder.path()));
    assert!(matches!(error, SqliteOpenError::Unreadable { .. }), "{error}");
}

#[test]
fn a_store_says_how_much_room_its_disk_has() {
    let folder = TestFolder::new();
    let disk = folder.open().health().disk.unwrap();
    assert!(disk.free > 0 && disk.free <= disk.total, "{disk:?}");
}
