//! What is in the binary besides our own code: its crates, and the packages of npm that the dashboard is built from.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::process::{output_of, root};

/// The packages of npm whose code is in the files of the dashboard. The others only build or test it.
const OF_THE_DASHBOARD: [&str; 3] = ["clsx", "svelte", "uplot"];

/// Something that others have written and the binary contains.
pub(super) struct Component {
    pub(super) name: String,
    pub(super) version: String,
    /// An SPDX expression.
    pub(super) license: String,
    /// What finds it in its registry.
    pub(super) package_url: String,
    /// The package URLs of what it needs, among those that are in the binary.
    pub(super) needs: BTreeSet<String>,
    /// A file with the text of its licence, or a folder with several.
    pub(super) notices: PathBuf,
}

/// All of them, in an order that is always the same, and what our own crates need of them.
pub(super) struct Components {
    pub(super) all: Vec<Component>,
    pub(super) needed_directly: BTreeSet<String>,
}

/// Asks Cargo and the dashboard's lock file.
pub(super) fn of_the_binary() -> Result<Components> {
    let Components { mut all, mut needed_directly } = crates()?;
    for component in packages_of_the_dashboard()? {
        needed_directly.insert(component.package_url.clone());
        all.push(component);
    }
    all.sort_by(|a, b| a.package_url.cmp(&b.package_url));
    Ok(Components { all, needed_directly })
}

/// The crates whose code is linked in: those that only build something else, and macros, are not.
fn crates() -> Result<Components> {
    let triple = host_triple()?;
    let tree = output_of(&[
        "cargo",
        "tree",
        "--locked",
        "--package",
        "enginehouse",
        "--edges",
        "normal,no-proc-macro",
        "--target",
        &triple,
        "--prefix",
        "none",
        "--format",
        "{p}",
    ])?;
    let linked = names_and_versions(&String::from_utf8(tree)?);
    let metadata =
        output_of(&["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", &triple])?;
    from_metadata(&serde_json::from_slice(&metadata).context("cargo metadata prints JSON")?, &linked)
}

/// Reads lines such as `serde v1.0.228 (*)`.
fn names_and_versions(tree: &str) -> BTreeSet<(String, String)> {
    let read = |line: &str| {
        let (name, rest) = line.split_once(" v")?;
        Some((name.to_owned(), rest.split(' ').next()?.to_owned()))
    };
    tree.lines().filter_map(read).collect()
}

fn from_metadata(metadata: &Value, linked: &BTreeSet<(String, String)>) -> Result<Components> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let mut urls = BTreeMap::new();
    let mut packages = Vec::new();
    for package in list(&metadata["packages"]) {
        let (name, version) = (text(&package["name"]), text(&package["version"]));
        if linked.contains(&(name.clone(), version.clone())) {
            // Without a source it is one of ours.
            let url = package["source"].is_string().then(|| format!("pkg:cargo/{name}@{version}"));
            urls.insert(text(&package["id"]), url);
            packages.push(package);
        }
    }
    let mut needs = BTreeMap::<String, BTreeSet<String>>::new();
    let mut needed_directly = BTreeSet::new();
    for node in list(&metadata["resolve"]["nodes"]) {
        let Some(url) = urls.get(&text(&node["id"])) else { continue };
        let needed = list(&node["dependencies"]);
        let needed = needed.iter().filter_map(|id| urls.get(&text(id)).cloned().flatten());
        match url {
            Some(url) => needs.entry(url.clone()).or_default().extend(needed),
            None => needed_directly.extend(needed),
        }
    }
    let mut all = Vec::new();
    for package in packages {
        let Some(Some(package_url)) = urls.get(&text(&package["id"])).cloned() else { continue };
        let manifest = PathBuf::from(text(&package["manifest_path"]));
        let license = package["license"].as_str();
        all.push(Component {
            license: license.with_context(|| format!("{package_url} does not say its licence"))?.replace('/', " OR "),
            needs: needs.remove(&package_url).unwrap_or_default(),
            notices: manifest.parent().context("a manifest is in a folder")?.to_owned(),
            name: text(&package["name"]),
            version: text(&package["version"]),
            package_url,
        });
    }
    Ok(Components { all, needed_directly })
}

/// For which system Cargo builds here.
fn host_triple() -> Result<String> {
    let version = String::from_utf8(output_of(&["rustc", "--version", "--verbose"])?)?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("rustc does not say what it builds for")?.to_owned())
}

fn packages_of_the_dashboard() -> Result<Vec<Component>> {
    let lock = fs::read(root().join("ui/package-lock.json")).context("cannot read ui/package-lock.json")?;
    let lock: Value = serde_json::from_slice(&lock).context("ui/package-lock.json is JSON")?;
    let component = |name: &str| {
        let package = &lock["packages"][format!("node_modules/{name}")];
        let field = |field: &str| {
            let found = package[field].as_str().map(str::to_owned);
            found.with_context(|| format!("ui/package-lock.json has no {field} of {name}"))
        };
        let version = field("version")?;
        Ok(Component {
            name: name.to_owned(),
            license: field("license")?,
            package_url: format!("pkg:npm/{name}@{version}"),
            version,
            needs: BTreeSet::new(),
            notices: root().join(Path::new("packaging/notices").join(format!("{name}.txt"))),
        })
    };
    OF_THE_DASHBOARD.into_iter().map(component).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_linked_counts_and_our_own_crates_are_not_others() {
        let linked = names_and_versions("enginehouse v0.1.0 (/src)\nserde v1.0.1\nserde v1.0.1 (*)\n");
        let package = |name: &str, version: &str, source: Option<&str>| {
            json!({ "id": name, "name": name, "version": version, "source": source, "license": "MIT/Apache-2.0",
                "manifest_path": format!("/registry/{name}/Cargo.toml") })
        };
        let metadata = json!({
            "packages": [package("enginehouse", "0.1.0", None), package("serde", "1.0.1", Some("r")),
                package("mdbook", "0.5.0", Some("r"))],
            "resolve": { "nodes": [{ "id": "enginehouse", "dependencies": ["serde", "mdbook"] },
                { "id": "serde", "dependencies": [] }, { "id": "mdbook", "dependencies": ["serde"] }] },
        });
        let Components { all, needed_directly } = from_metadata(&metadata, &linked).unwrap();
        let found: Vec<_> = all.iter().map(|component| (&*component.package_url, &*component.license)).collect();
        assert_eq!(found, [("pkg:cargo/serde@1.0.1", "MIT OR Apache-2.0")]);
        assert_eq!(needed_directly, BTreeSet::from(["pkg:cargo/serde@1.0.1".to_owned()]));
    }
}
