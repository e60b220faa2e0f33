//! What tests install for themselves, below the target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Output;

use crate::{binary, text};

/// The folder of this name, with what `install` puts there. The first test that asks installs it, and the others wait for
/// that; it is made anew when `content`, which says what is wanted, changes.
pub(crate) fn installed_once(name: &str, content: &str, install: impl FnOnce(&Path)) -> PathBuf {
    let target = binary().ancestors().nth(2).expect("the binary is in target/*").to_owned();
    let folder = target.join(name);
    let lock = File::create(target.join(format!("{name}.lock"))).expect("the target folder can be written to");
    lock.lock().expect("no other lock is held here");
    // Written last: what an interrupted installation leaves is made anew.
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|found| found == content) {
        return folder;
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
    fs::create_dir(&folder).expect("the target folder can be written to");
    install(&folder);
    fs::write(installed, content).expect("the folder can be written to");
    folder
}

/// What a program wrote, if it succeeded.
pub(crate) fn must(output: Output, what: &str) {
    assert!(output.status.success(), "{what}: {}{}", text(&output.stdout), text(&output.stderr));
}
