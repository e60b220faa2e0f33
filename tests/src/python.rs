//! A Python with the packages that tests name, installed once below the target folder.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::{binary, text};

const REQUIREMENTS: &str = include_str!("../python/requirements.txt");

/// The interpreter. The first test that asks installs it, and the others wait for that.
///
/// # Panics
/// There is no Python 3 with venv, or the packages cannot be had.
pub fn interpreter() -> PathBuf {
    let target = binary().ancestors().nth(2).expect("the binary is in target/*").to_owned();
    let folder = target.join("python");
    let lock = File::create(target.join("python.lock")).expect("the target folder can be written to");
    lock.lock().expect("no other lock is held here");
    let python = folder.join("bin").join("python");
    // Written last: what an interrupted installation leaves is made anew.
    let installed = folder.join("installed.txt");
    if fs::read_to_string(&installed).is_ok_and(|found| found == REQUIREMENTS) {
        return python;
    }
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the folder is ours");
    }
    let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).output();
    must(made.expect("python3 is there; on Debian: apt-get install python3-venv"), "python3 -m venv");
    let requirements = concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt");
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r", requirements];
    must(Command::new(&python).args(pip).output().expect("the interpreter starts"), "pip install");
    fs::write(installed, REQUIREMENTS).expect("the folder can be written to");
    python
}

/// A Python project in a folder of its own.
pub struct Project<'a> {
    pub folder: &'a Path,
    /// With what it is run.
    pub python: PathBuf,
}

impl Project<'_> {
    /// Runs a module in the folder, shows what it says, and answers it with whether it succeeded.
    ///
    /// # Panics
    /// The interpreter does not start.
    pub fn tried(&self, arguments: &[&str]) -> (bool, String) {
        let mut command = Command::new(&self.python);
        let output = command.args(arguments).current_dir(self.folder).env("PYTHONPATH", self.folder).output();
        let output = output.expect("the interpreter starts");
        let printed = format!("{}{}", text(&output.stdout), text(&output.stderr));
        println!("$ python {}\n{printed}", arguments.join(" "));
        (output.status.success(), printed)
    }

    /// The same for what must succeed.
    ///
    /// # Panics
    /// It does not succeed.
    pub fn run(&self, arguments: &[&str]) -> String {
        let (succeeded, printed) = self.tried(arguments);
        assert!(succeeded, "python {}\n{printed}", arguments.join(" "));
        printed
    }
}

/// What a program wrote, if it succeeded.
fn must(output: Output, what: &str) {
    assert!(output.status.success(), "{what}: {}{}", text(&output.stdout), text(&output.stderr));
}
