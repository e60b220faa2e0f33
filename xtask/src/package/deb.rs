//! The package for Debian and Ubuntu, by Debian's own debhelper over `packaging/deb/`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::contents::{Contents, copy_all};
use crate::process::{output_of, root, run_prepared};

/// Which package of one version this is.
const REVISION: u32 = 1;

pub(super) fn make(contents: &Contents, out: &Path) -> Result<Vec<String>> {
    let source = contents.copy_of("packaging/deb")?;
    let version = format!("{}-{REVISION}", contents.version);
    fs::write(source.join("debian/changelog"), changelog(contents, &version)?)?;
    for file in [&contents.binary, &contents.sbom, &contents.licenses, &root().join("CHANGELOG.md")] {
        contents.copy_to(&source, file)?;
    }
    copy_all(&contents.man, &source.join("man"))?;
    copy_all(&contents.completions, &source.join("completions"))?;
    // Packages that build it are not asked for: only debhelper is, which builds nothing here.
    let line = ["dpkg-buildpackage", "--build=binary", "--no-sign", "--no-check-builddeps"];
    let mut build = contents.tool(&source, &line);
    build.env("DEB_BUILD_OPTIONS", "noautodbgsym nocheck");
    run_prepared(build)?;
    let architecture = String::from_utf8(output_of(&["dpkg", "--print-architecture"])?)?;
    let name = format!("enginehouse_{version}_{}.deb", architecture.trim());
    let made = source.parent().context("it is in a folder")?.join(name);
    Ok(vec![contents.copy_to(out, &made)?])
}

/// The list of versions of the package: what is new in each is in `CHANGELOG.md`, which the package brings as well.
fn changelog(contents: &Contents, version: &str) -> Result<String> {
    let date = output_of(&["date", "--utc", "--rfc-email", &format!("--date=@{}", contents.epoch)])?;
    let control = fs::read_to_string(root().join("packaging/deb/debian/control"))?;
    let maintainer = control.lines().find_map(|line| line.strip_prefix("Maintainer: "));
    let maintainer = maintainer.context("debian/control names no maintainer")?;
    let date = String::from_utf8(date)?;
    Ok(format!(
        "enginehouse ({version}) unstable; urgency=medium\n\n  * Version {} of Enginehouse.\n\n -- {maintainer}  {}\n",
        contents.version,
        date.trim()
    ))
}
