//! Node with the packages that tests name, installed once below the target folder.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use crate::installed::{installed_once, must};
use crate::text;

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

const RUNTIMES: NodePackage = NodePackage {
    name: "node-runtimes",
    package: include_str!("../../sdks/typescript/tests/runtimes/package.json"),
    lock: include_str!("../../sdks/typescript/tests/runtimes/package-lock.json"),
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
        symlink(&modules, folder.join("node_modules")).expect("the folder can be written to");
        let built = Command::new(modules.join(".bin/tsc")).args(["--project", "."]).current_dir(folder).output();
        must(built.expect("the compiler is there"), "tsc");
    })
}

/// The SDK for TypeScript as npm gives it to others, packed into this folder.
///
/// # Panics
/// It cannot be built, or not be packed.
pub fn packed_typescript_sdk(folder: &Path) -> PathBuf {
    let mut npm = Command::new("npm");
    npm.args(["pack", "--silent", "--ignore-scripts", "--pack-destination"]).arg(folder);
    let output = npm.current_dir(typescript_sdk()).output().expect("npm is there");
    let name = text(&output.stdout);
    must(output, "npm pack");
    folder.join(name.trim())
}

/// A folder in which Node and the compiler find the SDK for TypeScript as it is published, and the compiler itself.
///
/// # Panics
/// It cannot be built, or not be packed.
pub fn typescript_project() -> TempDir {
    let folder = tempfile::tempdir().expect("a folder can be made");
    let modules = folder.path().join("node_modules");
    fs::create_dir(&modules).expect("the folder can be written to");
    let tools = typescript_sdk().join("node_modules");
    for tool in ["typescript", "@types", "undici-types"] {
        symlink(tools.join(tool), modules.join(tool)).expect("the folder can be written to");
    }
    let package = packed_typescript_sdk(folder.path());
    let unpacked = Command::new("tar").arg("-xzf").arg(package).arg("-C").arg(&modules).output();
    must(unpacked.expect("tar is there"), "tar");
    let package = r#"{"private":true,"type":"module","dependencies":{"enginehouse":"*"}}"#;
    fs::write(folder.path().join("package.json"), package).expect("the folder can be written to");
    fs::rename(modules.join("package"), modules.join("enginehouse")).expect("the folder can be written to");
    folder
}

/// The binaries of Deno and Bun, in this order.
///
/// # Panics
/// The packages cannot be had, or have none for this machine.
pub fn other_runtimes() -> [PathBuf; 2] {
    let modules = installed(&RUNTIMES).join("node_modules");
    // Of each there is a package per kind of machine, and npm installs the one that fits.
    [("@deno", "deno"), ("@oven", "bin/bun")].map(|(scope, path)| {
        let packages = fs::read_dir(modules.join(scope)).expect("it is installed");
        let found =
            packages.map(|package| package.expect("it can be read").path().join(path)).find(|path| path.exists());
        found.unwrap_or_else(|| panic!("{scope} has no binary for this machine"))
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
