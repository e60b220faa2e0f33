//! Records of decisions can be found, and each number names one.

use super::repository::{Finding, Repository};

const FOLDER: &str = "docs/adr/";
const LIST: &str = "docs/adr/README.md";

pub(super) fn are_listed(repository: &Repository) -> Vec<Finding> {
    let list = repository.text(LIST).unwrap_or_default();
    let records: Vec<_> = repository.paths().filter(|path| is_record(path)).collect();
    let mut findings = Vec::new();
    for (index, path) in records.iter().enumerate() {
        let name = &path[FOLDER.len()..];
        if number(name).is_none() {
            findings.push(Finding::in_file(path, "a record is called NNNN-what-was-decided.md"));
        } else if records[..index].iter().any(|earlier| number(&earlier[FOLDER.len()..]) == number(name)) {
            findings.push(Finding::in_file(path, "another record has this number: take the next free one"));
        }
        if !list.contains(&format!("]({name})")) {
            findings.push(Finding::in_file(path, format!("{LIST} does not link it")));
        }
    }
    findings
}

fn is_record(path: &str) -> bool {
    path.starts_with(FOLDER) && path.ends_with(".md") && path != LIST
}

fn number(name: &str) -> Option<u32> {
    let (number, _) = name.split_once('-')?;
    (number.len() == 4).then(|| number.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::repository::findings;

    #[test]
    fn a_record_that_is_not_listed_is_found() {
        let found = findings(
            are_listed,
            &[
                (LIST, "- [One](0001-one.md)\n- 0002-two.md\n"),
                ("docs/adr/0001-one.md", ""),
                ("docs/adr/0002-two.md", ""),
            ],
        );
        assert_eq!(found, ["docs/adr/0002-two.md: docs/adr/README.md does not link it"]);
    }

    #[test]
    fn a_number_given_twice_or_not_at_all_is_found() {
        let found = findings(
            are_listed,
            &[
                (LIST, "[a](0001-a.md) [b](0001-b.md) [c](c.md)"),
                ("docs/adr/0001-a.md", ""),
                ("docs/adr/0001-b.md", ""),
                ("docs/adr/c.md", ""),
            ],
        );
        assert_eq!(
            found,
            [
                "docs/adr/0001-b.md: another record has this number: take the next free one",
                "docs/adr/c.md: a record is called NNNN-what-was-decided.md",
            ]
        );
    }
}
