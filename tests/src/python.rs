//! A Python with the packages that tests name, installed once below the target folder.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::installed::{installed_once, must};
use crate::text;

/// Packages that some tests need: a file of requirements below `tests/`, each with its version.
#[derive(Clone, Copy, Debug)]
pub struct Requirements {
    /// Of the folder that they are installed in, below the target folder.
    name: &'static str,
    path: &'static str,
    content: &'static str,
}

/// What our migrations are given to.
pub const MIGRATION_TOOLS: Requirements = Requirements {
    name: "python",
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/python/requirements.txt"),
    content: include_str!("../python/requirements.txt"),
};

/// What reads the description of the API.
pub const OPENAPI_TOOLS: Requirements = Requirements {
    name: "python-openapi",
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/openapi/requirements.txt"),
    content: include_str!("../openapi/requirements.txt"),
};

/// What the SDK for Python needs, and what it is tested with.
pub const PYTHON_SDK_TOOLS: Requirements = Requirements {
    name: "python-sdk",
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/../sdks/python/tests/requirements.txt"),
    content: include_str!("../../sdks/python/tests/requirements.txt"),
};

/// What looks at packages and manifests.
pub const PACKAGE_TOOLS: Requirements = Requirements {
    name: "python-packages",
    path: concat!(env!("CARGO_MANIFEST_DIR"), "/packages/requirements.txt"),
    content: include_str!("../packages/requirements.txt"),
};

/// The interpreter that has these packages.
///
/// # Panics
/// There is no Python 3 with venv, or the packages cannot be had.
pub fn interpreter(requirements: Requirements) -> PathBuf {
    let folder = installed_once(requirements.name, requirements.content, |folder| {
        let made = Command::new("python3").args(["-m", "venv"]).arg(folder).output();
        must(made.expect("python3 is there; on Debian: apt-get install python3-venv"), "python3 -m venv");
        let pip =
            ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input", "-r", requirements.path];
        let python = folder.join("bin").join("python");
        must(Command::new(python).args(pip).output().expect("the interpreter starts"), "pip install");
    });
    folder.join("bin").join("python")
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
