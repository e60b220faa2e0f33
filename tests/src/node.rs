//! Node with the packages that tests name, installed once below the target folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::installed::{installed_once, must};

const PACKAGE: &str = include_str!("../openapi/package.json");
/// Every package with its version and a hash of what it holds.
const LOCK: &str = include_str!("../openapi/package-lock.json");

/// A folder from which Node finds the packages; their programs are in `node_modules/.bin` there.
///
/// # Panics
/// There is no Node with npm, or the packages cannot be had.
pub fn packages() -> PathBuf {
    installed_once("node", &format!("{PACKAGE}{LOCK}"), |folder| {
        fs::write(folder.join("package.json"), PACKAGE).expect("the folder can be written to");
        fs::write(folder.join("package-lock.json"), LOCK).expect("the folder can be written to");
        // No package may run anything while it is installed: none of these has to.
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        let installed = Command::new("npm").args(arguments).current_dir(folder).output();
        must(installed.expect("npm is there; on Debian: apt-get install npm"), "npm ci");
    })
}
