//! What is refused, and leaves both sides as they were.

use super::*;
use crate::conformance::given::given_processing_event;
use crate::sqlite::SqliteOpenError;

async fn refused(from: &CopySide, to: &CopySide) -> String {
    copy(from, to, |_| ControlFlow::Continue(())).await.unwrap_err().to_string()
}

#[tokio::test]
async fn a_target_that_is_not_empty_is_refused() {
    let folder = Folder::new();
    let (from, to, url) = (folder.path("from.db"), folder.path("to.db"), FreshDatabase::new());
    given_processing_event(&open(&from), 1).await;
    given_processing_event(&open(&to), 2).await;
    let before = dump(&to);
    let why = refused(&file(&from), &file(&to)).await;
    assert!(why.ends_with("to.db is not empty, its table lanes has rows: name another target"), "{why}");
    assert_eq!(dump(&to), before);
    open(&to);

    copied(&file(&from), &database(&url)).await;
    let why = refused(&file(&to), &database(&url)).await;
    assert!(why.ends_with("is not empty, its table lanes has rows: name another target"), "{why}");
    open_database(&url).await;
    let mut tx = begin(&open_database(&url).await).await;
    assert_eq!(tx.events_by_id(&[id(1), id(2)]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_store_is_not_copied_into_itself() {
    let folder = Folder::new();
    let (path, url) = (folder.path("one.db"), FreshDatabase::new());
    given_processing_event(&open(&path), 1).await;
    copied(&file(&path), &database(&url)).await;
    for place in [file(&path), database(&url)] {
        let why = refused(&place, &place).await;
        assert!(why.starts_with("the source and the target are the same store: "), "{why}");
    }
    // Under another name.
    let link = folder.path("link.db");
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let why = refused(&file(&path), &file(&link)).await;
    assert!(why.starts_with("the source and the target are the same store: "), "{why}");
}

#[tokio::test]
async fn a_file_that_a_server_has_open_is_refused() {
    let folder = Folder::new();
    let (one, two) = (folder.path("one.db"), folder.path("two.db"));
    let server = open(&one);
    for (from, to) in [(&one, &two), (&two, &one)] {
        drop(open(&two));
        let why = refused(&file(from), &file(to)).await;
        assert!(why.contains("one.db is in use by process "), "{why}");
    }
    drop(server);
    copied(&file(&one), &file(&two)).await;
}

#[tokio::test]
async fn another_source_does_not_go_on_with_a_copy() {
    let folder = Folder::new();
    let (one, two, to) = (folder.path("one.db"), folder.path("two.db"), folder.path("to.db"));
    let url = FreshDatabase::new();
    for path in [&one, &two] {
        given_processing_event(&open(path), 1).await;
    }
    for place in [file(&to), database(&url)] {
        let stopped = copy(&file(&one), &place, |_| ControlFlow::Break(())).await;
        assert!(matches!(stopped, Err(CopyError::Stopped)));
        let why = refused(&file(&two), &place).await;
        assert!(why.contains("a copy of another source") && why.contains("one.db"), "{why}");
        let why = refused(&place, &file(&folder.path("third.db"))).await;
        assert!(why.contains("is unfinished"), "{why}");
        assert!(copied(&file(&one), &place).await.resumed);
    }
    open(&to);
}

#[tokio::test]
async fn a_server_that_runs_on_the_target_does_nothing_meanwhile() {
    let folder = Folder::new();
    let (empty, path, url) = (folder.path("empty.db"), folder.path("one.db"), FreshDatabase::new());
    drop(open(&empty));
    copied(&file(&empty), &database(&url)).await;
    let server = open_database(&url).await;
    begin(&server).await.commit().await.unwrap();
    given_processing_event(&open(&path), 1).await;
    let stopped = copy(&file(&path), &database(&url), |_| ControlFlow::Break(())).await;
    assert!(matches!(stopped, Err(CopyError::Stopped)));
    assert!(server.begin().await.err().unwrap().to_string().contains("there is no registry version"));
    copied(&file(&path), &database(&url)).await;
    let mut tx = begin(&server).await;
    assert_eq!(tx.events_by_id(&[id(1)]).await.unwrap().len(), 1);
}

#[tokio::test]
async fn what_changed_in_the_source_meanwhile_is_noticed() {
    let folder = Folder::new();
    let (path, to) = (folder.path("one.db"), folder.path("to.db"));
    given_everything(&path).await;
    let (from, target) = (file(&path), file(&to));
    let stopped = copy(&from, &target, |progress| {
        if progress.table == "event_payloads" { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    });
    let stopped = stopped.await;
    assert!(matches!(stopped, Err(CopyError::Stopped)), "{stopped:?}");
    apply(&open(&path), 1, |_| EventCommand::Cancel).await;
    let why = refused(&file(&path), &file(&to)).await;
    assert!(
        why.starts_with("the table events has 609 rows in the source and 609 in the target, and they are not"),
        "{why}"
    );
    // And the target is still no store.
    let options = SqliteOptions::new(&to, Arc::new(SystemClock::new()));
    assert!(matches!(SqliteStore::open(options), Err(SqliteOpenError::UnfinishedCopy { .. })));
}

#[tokio::test]
async fn what_is_no_store_is_refused() {
    let folder = Folder::new();
    let (path, url) = (folder.path("one.db"), FreshDatabase::new());
    drop(open(&path));
    std::fs::write(folder.path("text"), "hello").unwrap();
    for (from, want) in [
        (file(&folder.path("none.db")), "does not exist"),
        (file(&folder.path("text")), "is not an Enginehouse data file"),
        (database(&url), "has no tables of Enginehouse: name another database, or its schema"),
        (database("postgres://x@127.0.0.1:1/x?sslmode=disable"), "cannot use the database at 127.0.0.1:1/x, schema"),
        (database("postgres://x:secret@h/x?sslmode=no"), "the parameter sslmode must be one of"),
    ] {
        let why = refused(&from, &file(&folder.path("to.db"))).await;
        assert!(why.contains(want) && !why.contains("secret"), "{why}");
    }
    let why = refused(&file(&path), &file(&folder.path("text"))).await;
    assert!(why.contains("is not an Enginehouse data file"), "{why}");
}

#[test]
fn only_a_database_has_schemas() {
    let schema = |url: &str, schema: Option<&str>| {
        CopySide::new(url, schema.map(|schema| schema.parse().unwrap())).map(|side| side.schema.to_string())
    };
    for (url, name, want) in [
        ("sqlite://a.db", None, Ok("enginehouse")),
        ("postgres://h/d", None, Ok("enginehouse")),
        ("postgresql://h/d", Some("x"), Ok("x")),
        ("sqlite://a.db", Some("x"), Err("a data file has no schemas: name one with postgres:// only")),
    ] {
        assert_eq!(schema(url, name), want.map(str::to_owned).map_err(str::to_owned), "{url}");
    }
}
