//! Node with the packages that tests name, installed once below the target folder.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::installed::{installed_once, must};

/// A package of the tests: its `package.json`, and every package that it needs with its version and a hash of what it holds.
struct NodePackage {
    name: &'static str,
    package: &'static str,
    lock: &'static str,
}

const OPENAPI: NodePackage = NodePackage {
    name: "node",
    package: include_str!("../openapi/package.json"),
    lock: include_str!("../openapi/package-lock.json"),
};
const DASHBOARD: NodePackage = NodePackage {
    name: "node-dashboard",
    package: include_str!("../../ui/package.json"),
    lock: include_str!("../../ui/package-lock.json"),
};

/// A folder from which Node finds the packages that look at the description of the API; their programs are in
/// `node_modules/.bin` there.
///
/// # Panics
/// There is no Node with npm, or the packages cannot be had.
pub fn packages() -> PathBuf {
    installed(&OPENAPI)
}

/// The same of the packages that the dashboard is built and tested with.
///
/// # Panics
/// There is no Node with npm, or the packages cannot be had.
pub fn dashboard_packages() -> PathBuf {
    installed(&DASHBOARD)
}

fn installed(NodePackage { name, package, lock }: &NodePackage) -> PathBuf {
    installed_once(name, &format!("{package}{lock}"), |folder| {
        fs::write(folder.join("package.json"), package).expect("the folder can be written to");
        fs::write(folder.join("package-lock.json"), lock).expect("the folder can be written to");
        // No package may run anything while it is installed: none of these has to.
        let arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund"];
        let installed = Command::new("npm").args(arguments).current_dir(folder).output();
        must(installed.expect("npm is there; on Debian: apt-get install npm"), "npm ci");
    })
}
