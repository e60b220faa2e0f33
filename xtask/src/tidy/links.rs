//! Links in documents lead to files, and to headings, that exist.

use std::collections::BTreeSet;

use super::repository::{Finding, Repository};

pub(super) fn lead_somewhere(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (path, text) in repository.texts().filter(|(path, _)| is_document(path)) {
        for (index, line) in prose(text) {
            for target in targets(&line).filter(|target| is_ours(target)) {
                if let Some(what) = fault_of(repository, path, target) {
                    findings.push(Finding::in_line(path, index, what));
                }
            }
        }
    }
    findings
}

fn is_document(path: &str) -> bool {
    path.ends_with(".md")
}

fn fault_of(repository: &Repository, from: &str, target: &str) -> Option<String> {
    let (file, heading) = target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
    let path = if file.is_empty() { from.to_owned() } else { resolve(from, file)? };
    if !repository.has(&path) {
        return Some(format!("no such tracked file: {target}"));
    }
    let (heading, text) = (heading?, repository.text(&path)?);
    (is_document(&path) && !headings(text).contains(heading)).then(|| format!("no such heading: {target}"))
}

/// The lines that are not code, without the code within them.
fn prose(text: &str) -> impl Iterator<Item = (usize, String)> {
    let mut fence = None;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let start = line.trim_start();
        let mark = ["```", "~~~"].into_iter().find(|mark| start.starts_with(mark));
        match (fence, mark) {
            (None, Some(_)) => fence = mark,
            (Some(_), Some(_)) if fence == mark => fence = None,
            (None, None) => return Some((index, line.split('`').step_by(2).collect())),
            _ => {}
        }
        None
    })
}

/// Where the links and images of a line lead: `[text](target)`, `[name]: target`, `src="target"`, `href="target"`.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    let after = |opening: &'static str, closing: &'static [char]| {
        line.split(opening).skip(1).filter_map(move |rest| rest.split(closing).next())
    };
    let definition = line
        .strip_prefix('[')
        .and_then(|rest| rest.split_once("]:"))
        .filter(|(name, _)| !name.contains(['[', ']']))
        .map(|(_, target)| target.trim_start());
    after("](", &[')', ' '])
        .chain(after("src=\"", &['"']))
        .chain(after("href=\"", &['"']))
        .chain(definition.and_then(|target| target.split(' ').next()))
        .map(|target| target.trim_start_matches('<').trim_end_matches('>'))
        .filter(|target| !target.is_empty())
}

/// Whether a link stays within the repository: it names no scheme.
fn is_ours(target: &str) -> bool {
    !target.starts_with("//")
        && !target.split_once(':').is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// The path from the root that a link in `from` leads to; nothing if that lies outside.
fn resolve(from: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = match link.strip_prefix('/') {
        Some(_) => Vec::new(),
        None => from.split('/').collect(),
    };
    parts.pop();
    for part in link.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a document, as the usual viewers make them from its headings.
fn headings(text: &str) -> BTreeSet<String> {
    let mut anchors = BTreeSet::new();
    for line in text.lines() {
        let heading = line.trim_start_matches('#');
        if heading.len() == line.len() || !heading.starts_with(' ') {
            continue;
        }
        let anchor: String = heading
            .trim()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() })
            .collect();
        let repeated = (1..).map(|n| format!("{anchor}-{n}")).find(|anchor| !anchors.contains(anchor));
        let taken = anchors.contains(&anchor);
        anchors.extend(if taken { repeated } else { Some(anchor) });
    }
    anchors
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    #[test]
    fn a_link_to_a_file_that_is_missing_is_found() {
        let found = findings(
            lead_somewhere,
            &[("docs/a.md", "# A\nSee [b](b.md) and\n[c](../c.md \"the c\"), ![d](img/d.png)\n[e]: ../../e.md\n")],
        );
        assert_eq!(
            found,
            [
                "docs/a.md:2: no such tracked file: b.md",
                "docs/a.md:3: no such tracked file: ../c.md",
                "docs/a.md:3: no such tracked file: img/d.png",
            ]
        );
    }

    #[test]
    fn a_link_to_a_heading_that_is_missing_is_found() {
        let b = ("docs/b.md", "# `fail`, and what then?\n## Notes\n## Notes\n");
        let a = "[x](b.md#fail-and-what-then) [x](b.md#notes-1) [x](#a) [x](b.md#gone) [x](#gone)\n\n# A\n";
        let found = findings(lead_somewhere, &[("docs/a.md", a), b]);
        assert_eq!(found, ["docs/a.md:1: no such heading: b.md#gone", "docs/a.md:1: no such heading: #gone"]);
    }

    #[test]
    fn files_folders_other_sites_and_code_are_left_alone() {
        let text = "[a](docs/b.md) [b](/docs/b.md) [c](docs/) [d](https://example.com/x) [`e`](docs/b.md)\n\
                    `[f](gone.md)` <a href=\"mailto:x@example.com\">x</a>\n\
                    ```\n[g](gone.md)\n```\n~~~\n```\n[h](gone.md)\n~~~\n";
        let found = findings(lead_somewhere, &[("README.md", text), ("docs/b.md", ""), ("x.txt", "[a](gone)")]);
        assert_eq!(found, [""; 0]);
    }
}
