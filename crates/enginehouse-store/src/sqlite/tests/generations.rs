//! A copy of a data file gives other numbers than its original went on to give.

use std::fs;

use enginehouse_core::generation::Generation;
use enginehouse_core::time::Timestamp;

use super::TestFolder;
use crate::conformance::given::{begin, now};
use crate::{Store, StoreAdmin};

async fn generation(store: &dyn Store) -> Generation {
    begin(store).await.generation()
}

#[tokio::test]
async fn a_file_that_is_opened_again_or_was_moved_goes_on_with_its_generation() {
    let folder = TestFolder::new();
    assert_eq!(generation(&folder.open()).await, Generation::FIRST);
    assert_eq!(generation(&folder.open()).await, Generation::FIRST);
    let path = folder.file("enginehouse.db");
    fs::rename(&path, folder.file("moved.db")).unwrap();
    assert_eq!(generation(&folder.open_file("moved.db")).await, Generation::FIRST);
}

#[tokio::test]
async fn each_restore_of_a_backup_and_each_copy_is_a_generation_of_its_own() {
    let folder = TestFolder::new();
    let store = folder.open();
    let begun: Timestamp = now(&store).await;
    store.backup(&folder.file("backup.db")).await.unwrap();
    drop(store);
    fs::copy(folder.file("backup.db"), folder.file("again.db")).unwrap();
    let restored = generation(&folder.open_file("backup.db")).await;
    assert!(restored > Generation::FIRST);
    assert_eq!(generation(&folder.open_file("backup.db")).await, restored, "its own from then on");
    folder.clock.advance(std::time::Duration::from_secs(60));
    let again = generation(&folder.open_file("again.db")).await;
    assert!(again > restored, "the backup does not know of the other restore");
    // Somebody's `cp`, in place of the original.
    fs::copy(folder.file("again.db"), folder.file("copied.db")).unwrap();
    fs::rename(folder.file("copied.db"), folder.file("enginehouse.db")).unwrap();
    let store = folder.open();
    assert!(generation(&store).await > again);
    assert!(now(&store).await >= begun);
}
