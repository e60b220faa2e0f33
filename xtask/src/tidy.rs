//! `cargo xtask tidy`: what no compiler checks. Rules about the text of the repository, each one a function
//! from the tracked files to what is wrong with them.

use std::fmt;

use anyhow::{Result, bail};

use self::repository::{Finding, Repository};

mod check_lists;
mod circles;
mod layers;
mod leftovers;
mod links;
mod modules;
mod names;
mod records;
mod repository;
mod sql;
mod statements;
mod type_names;
mod words;

/// A rule: its name, and what it finds wrong.
struct TidyCheck {
    name: &'static str,
    run: fn(&Repository) -> Vec<Finding>,
}

/// Every rule.
const CHECKS: &[TidyCheck] = &[
    TidyCheck { name: "links_lead_somewhere", run: links::lead_somewhere },
    TidyCheck { name: "file_names_say_what_is_inside", run: names::say_what_is_inside },
    TidyCheck { name: "nothing_is_left_to_do", run: leftovers::nothing_to_do },
    TidyCheck { name: "no_path_of_one_machine", run: leftovers::no_path_of_one_machine },
    TidyCheck { name: "no_crate_has_unsafe_code", run: layers::no_unsafe_code },
    TidyCheck { name: "core_knows_no_io", run: layers::core_knows_no_io },
    TidyCheck { name: "the_dispatcher_knows_no_http", run: layers::dispatcher_knows_no_http },
    TidyCheck { name: "no_files_form_a_circle", run: circles::are_absent },
    TidyCheck { name: "a_type_has_a_name_of_its_own", run: type_names::are_given_once },
    TidyCheck { name: "words_are_those_of_the_field", run: words::are_those_of_the_field },
    TidyCheck { name: "decisions_are_listed", run: records::are_listed },
    TidyCheck { name: "a_sql_file_is_one_statement", run: statements::one_per_file },
    TidyCheck { name: "a_check_has_no_long_list", run: check_lists::are_short },
];

/// What a check has found.
pub(crate) struct CheckReport {
    name: &'static str,
    findings: Vec<Finding>,
}

pub(crate) fn run() -> Result<()> {
    let reports = check_repository()?;
    for report in &reports {
        println!("{report}");
    }
    let failed = reports.iter().filter(|report| !report.passed()).count();
    if failed > 0 {
        bail!("{failed} of {} tidy checks failed", reports.len());
    }
    Ok(())
}

/// Runs every check on the files that git tracks.
pub(crate) fn check_repository() -> Result<Vec<CheckReport>> {
    let repository = Repository::tracked()?;
    Ok(CHECKS.iter().map(|check| CheckReport { name: check.name, findings: (check.run)(&repository) }).collect())
}

impl CheckReport {
    pub(crate) fn passed(&self) -> bool {
        self.findings.is_empty()
    }
}

impl fmt::Display for CheckReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "test tidy::{} ... {}", self.name, if self.passed() { "ok" } else { "FAILED" })?;
        self.findings.iter().try_for_each(|finding| write!(f, "\n  {finding}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_reads_like_that_of_a_test() {
        let findings = vec![Finding::in_line("README.md", 2, "no such file: gone.md")];
        let report = CheckReport { name: "links_lead_somewhere", findings };
        assert_eq!(
            report.to_string(),
            "test tidy::links_lead_somewhere ... FAILED\n  README.md:3: no such file: gone.md"
        );
        assert_eq!(CheckReport { name: "x", findings: vec![] }.to_string(), "test tidy::x ... ok");
    }
}
