//! The texts of the licences of what is in the binary: most of them ask to travel with it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::components::Component;

/// How the names of files begin that hold such a text.
const BEGINNINGS: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// One file for all: each text once, below the names of what it belongs to.
pub(super) fn document(components: &[Component]) -> Result<String> {
    let mut sections = BTreeMap::<Vec<String>, (String, BTreeSet<String>)>::new();
    for component in components {
        let mut texts = Vec::new();
        collect(&component.notices, &mut texts)
            .with_context(|| format!("cannot read {}", component.notices.display()))?;
        if texts.is_empty() {
            bail!("{} brings no text of its licence ({})", component.package_url, component.license);
        }
        let owner = format!("{} {} ({})", component.name, component.version, component.license);
        for text in texts {
            // Texts that differ by how they are laid out only are one.
            let words = text.split_whitespace().map(str::to_owned).collect();
            sections.entry(words).or_insert((text, BTreeSet::new())).1.insert(owner.clone());
        }
    }
    // In the order of what comes first in them, so that a new version of one moves little.
    let mut sections: Vec<_> = sections.into_iter().map(|(words, (text, owners))| (owners, words, text)).collect();
    sections.sort();
    let mut document = String::from("Enginehouse contains the following software, under the licences below.\n");
    for (owners, _, text) in sections {
        let (line, owners) = ("-".repeat(78), owners.into_iter().collect::<Vec<_>>().join("\n"));
        write!(document, "\n{line}\n{owners}\n{line}\n\n{text}\n")?;
    }
    Ok(document)
}

/// Adds the texts in a file, or in a folder and all below it: a crate may bring a library of C with a licence of its own.
fn collect(path: &Path, texts: &mut Vec<String>) -> std::io::Result<()> {
    if path.is_file() {
        texts.push(trimmed(&String::from_utf8_lossy(&fs::read(path)?)));
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let kind = entry.file_type()?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        let is_text = [".RS", ".C", ".H"].iter().all(|end| !name.ends_with(end));
        if kind.is_dir() || (kind.is_file() && is_text && BEGINNINGS.iter().any(|word| name.starts_with(word))) {
            collect(&entry.path(), texts)?;
        }
    }
    Ok(())
}

/// A text without the spaces at its ends and those of its lines.
fn trimmed(text: &str) -> String {
    text.trim_matches(['\r', '\n']).lines().map(str::trim_end).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn component(name: &str, notices: &Path) -> Component {
        Component {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            license: "MIT".to_owned(),
            package_url: format!("pkg:cargo/{name}@1.0.0"),
            needs: BTreeSet::new(),
            notices: notices.to_owned(),
        }
    }

    #[test]
    fn a_text_stands_once_for_all_whose_it_is() {
        let folder = tempfile::tempdir().unwrap();
        for (name, path, text) in [("a", "LICENSE-MIT", "the text\r\n"), ("b", "c/licence", "  the\ntext  \n")] {
            let file = folder.path().join(name).join(path);
            fs::create_dir_all(file.parent().unwrap()).unwrap();
            fs::write(file, text).unwrap();
        }
        fs::write(folder.path().join("b/license.rs"), "no text").unwrap();
        let both = [component("a", &folder.path().join("a")), component("b", &folder.path().join("b"))];
        let document = document(&both).unwrap();
        assert!(document.contains("a 1.0.0 (MIT)\nb 1.0.0 (MIT)\n"), "{document}");
        assert_eq!(document.matches("text").count(), 1);
        assert!(!document.contains("no text"));
    }

    #[test]
    fn a_licence_without_its_text_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let error = document(&[component("a", folder.path())]).unwrap_err();
        assert_eq!(error.to_string(), "pkg:cargo/a@1.0.0 brings no text of its licence (MIT)");
    }
}
