//! What to do about what was found.

/// What to do if nothing is wrong but values of single rows, with which a server goes on.
pub(super) fn repair_of_rows(findings: &[String]) -> Option<&'static str> {
    let is_of_a_row = |finding: &String| finding.contains(" cannot be read") || finding.starts_with("CHECK constraint");
    findings.iter().all(is_of_a_row).then_some(
        "everything else goes on without these rows: write the right values or delete the rows, with a database shell, \
         and while no server has the file open if it is a data file",
    )
}
