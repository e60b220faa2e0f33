//! Programs that tests call beside Rust's own, and where Debian has them.

use anyhow::{Result, bail};

use crate::process::{output_of, run, succeeds};

/// A program that tests call.
struct Tool {
    /// Answers to `--version` where it is installed.
    program: &'static str,
    /// The Debian package that holds it.
    package: &'static str,
    /// Why it is needed.
    for_what: &'static str,
}

/// A new entry is installed by itself from then on. A C compiler is not among them: without one, Rust
/// could not have built this program.
const TOOLS: &[Tool] = &[
    Tool { program: "git", package: "git", for_what: "tidy asks it which files are tracked" },
    Tool { program: "curl", package: "curl", for_what: "a test follows the tour of the README" },
    Tool { program: "python3", package: "python3-venv", for_what: "tests give our migrations to Alembic and Django" },
    Tool { program: "faketime", package: "faketime", for_what: "a test sets a server's clock back" },
];

/// Installs what is missing, or says exactly what to install.
pub(crate) fn ensure() -> Result<()> {
    let missing: Vec<_> = TOOLS.iter().filter(|tool| !succeeds(&[tool.program, "--version"])).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let advice = advice(&missing);
    if !is_root() || !succeeds(&["apt-get", "--version"]) {
        bail!("{advice}");
    }
    eprintln!("{advice}; doing so");
    let mut install = vec!["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "--yes"];
    install.push("--no-install-recommends");
    install.extend(missing.iter().map(|tool| tool.package));
    // A fresh machine has no list of packages yet, and a current one need not fetch it.
    run(&install).or_else(|_| run(&["apt-get", "update"]).and_then(|()| run(&install)))
}

fn is_root() -> bool {
    output_of(&["id", "-u"]).is_ok_and(|id| id.trim_ascii() == b"0")
}

fn advice(missing: &[&Tool]) -> String {
    let reasons: Vec<_> =
        missing.iter().map(|tool| format!("{} is missing ({})", tool.program, tool.for_what)).collect();
    let packages: Vec<_> = missing.iter().map(|tool| tool.package).collect();
    format!("{}; on Debian: apt-get install {}", reasons.join(", "), packages.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_is_named_with_its_package() {
        let psql = Tool { program: "psql", package: "postgresql-client", for_what: "a test reads tables" };
        let jq = Tool { program: "jq", package: "jq", for_what: "a test reads JSON" };
        assert_eq!(
            advice(&[&psql, &jq]),
            "psql is missing (a test reads tables), jq is missing (a test reads JSON); \
             on Debian: apt-get install postgresql-client jq"
        );
    }
}
