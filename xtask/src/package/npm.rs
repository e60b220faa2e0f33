//! The packages for npm: the binary in one that npm takes where it fits, one that everybody names instead, and the SDK.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::contents::Contents;
use crate::process::{root, run_prepared};

/// What makes JavaScript of the SDK. No package may run anything while it is installed.
const BUILD_THE_SDK: [&[&str]; 2] =
    [&["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], &["npm", "run", "--silent", "build"]];

pub(super) fn make(contents: &Contents, out: &Path) -> Result<Vec<String>> {
    let cpu = node_cpu(std::env::consts::ARCH)?;
    let carrier = format!("@enginehouse/server-linux-{cpu}");
    let of_binary = contents.copy_of("packaging/npm/server-linux")?;
    complete(&of_binary, &json!({ "name": carrier, "version": contents.version, "cpu": [cpu] }))?;
    contents.copy_to(&of_binary.join("bin"), &contents.binary)?;
    contents.copy_to(&of_binary, &contents.sbom)?;
    contents.copy_to(&of_binary, &contents.licenses)?;
    let server = contents.copy_of("packaging/npm/server")?;
    let exactly = json!({ (carrier.as_str()): contents.version });
    complete(&server, &json!({ "version": contents.version, "optionalDependencies": exactly }))?;
    for folder in [&of_binary, &server] {
        for license in ["LICENSE-MIT", "LICENSE-APACHE"] {
            contents.copy_to(folder, &root().join(license))?;
        }
    }
    let sdk = contents.copy_of_sdk("sdks/typescript")?;
    for step in BUILD_THE_SDK {
        run_prepared(contents.tool(&sdk, step))?;
    }
    [&of_binary, &server, &sdk].into_iter().map(|folder| pack(contents, folder, out)).collect()
}

/// Packs a folder, and answers the name of the package.
fn pack(contents: &Contents, folder: &Path, out: &Path) -> Result<String> {
    let mut pack = contents.tool(folder, &["npm", "pack", "--silent", "--ignore-scripts"]);
    let packed = pack.output().context("cannot run `npm pack`")?;
    let printed = String::from_utf8(packed.stdout)?;
    anyhow::ensure!(packed.status.success(), "`npm pack` ended with {}: {printed}", packed.status);
    // It prints the name of what it has made.
    contents.copy_to(out, &folder.join(printed.trim()))
}

/// How Node names a processor that Rust names so.
fn node_cpu(rust: &str) -> Result<&'static str> {
    match rust {
        "x86_64" => Ok("x64"),
        "aarch64" => Ok("arm64"),
        other => bail!("no package for npm: Node has no name for {other}"),
    }
}

/// Adds to a `package.json` what differs from build to build.
fn complete(folder: &Path, fields: &Value) -> Result<()> {
    let path = folder.join("package.json");
    let mut package: Value = serde_json::from_slice(&fs::read(&path)?).context("package.json is JSON")?;
    let package_fields = package.as_object_mut().context("package.json is an object")?;
    package_fields.extend(fields.as_object().into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())));
    Ok(fs::write(path, format!("{package:#}\n"))?)
}
