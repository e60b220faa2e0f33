//! Node with the packages that tests name, installed once below the target folder.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
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

const TYPESCRIPT_SDK: NodePackage = NodePackage {
    name: "node-typescript-sdk",
    package: include_str!("../../sdks/typescript/package.json"),
    lock: include_str!("../../sdks/typescript/package-lock.json"),
};

/// Where the SDK for TypeScript has its sources.
const TYPESCRIPT_SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../sdks/typescript");

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

/// The SDK for TypeScript, built: a folder with the package and its tests, which find it by its name.
///
/// # Panics
/// There is no Node with npm, the packages cannot be had, or the SDK does not compile.
pub fn typescript_sdk() -> PathBuf {
    let packages = installed(&TYPESCRIPT_SDK);
    let sources = sources_below(Path::new(TYPESCRIPT_SOURCES));
    let mut hash = DefaultHasher::new();
    sources.hash(&mut hash);
    installed_once("typescript-sdk", &format!("{:016x}", hash.finish()), |folder| {
        for (path, content) in &sources {
            let path = folder.join(path);
            fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder can be written to");
            fs::write(path, content).expect("the folder can be written to");
        }
        let modules = packages.join("node_modules");
        std::os::unix::fs::symlink(&modules, folder.join("node_modules")).expect("the folder can be written to");
        let built = Command::new(modules.join(".bin/tsc")).args(["--project", "."]).current_dir(folder).output();
        must(built.expect("the compiler is there"), "tsc");
    })
}

/// Every file below a folder with what is in it, by its path there; without what a build makes.
fn sources_below(root: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("the sources are there").map(|entry| entry.expect("it can be read")) {
            let path = entry.path();
            match entry.file_type().expect("it can be read").is_dir() {
                true if entry.file_name() == "node_modules" || entry.file_name() == "dist" => {}
                true => folders.push(path),
                false => {
                    let content = fs::read(&path).expect("it can be read");
                    files.push((path.strip_prefix(root).expect("it is below").to_owned(), content));
                }
            }
        }
    }
    files.sort();
    files
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
