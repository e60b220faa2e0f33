//! Programs that tests and the benchmark call beside Rust's own, and where Debian has them.

use anyhow::{Result, bail};
use enginehouse_cluster::Pgbouncer;

use crate::process::{output_of, run, succeeds};

/// A program that is called.
pub(crate) struct Tool {
    program: &'static str,
    is_installed: fn(&Tool) -> bool,
    /// The Debian package that holds it.
    package: &'static str,
    /// Why it is needed.
    for_what: &'static str,
}

/// A new entry is installed by itself from then on. A C compiler is not among them: without one, Rust
/// could not have built this program. Where services run, a server that is installed begins to serve; tests start
/// servers of their own on other ports and never meet it.
pub(crate) const OF_TESTS: &[Tool] = &[
    Tool {
        program: "git",
        is_installed: says_version,
        package: "git",
        for_what: "tidy asks it which files are tracked",
    },
    Tool {
        program: "curl",
        is_installed: says_version,
        package: "curl",
        for_what: "a test follows the tour of the README",
    },
    Tool {
        program: "faketime",
        is_installed: says_version,
        package: "faketime",
        for_what: "a test sets a server's clock back",
    },
    Tool {
        program: "strace",
        is_installed: says_version,
        package: "strace",
        for_what: "a test sees what was written to the disk before an answer",
    },
    Tool {
        program: "PostgreSQL's server",
        // Debian keeps a server's programs out of the PATH.
        is_installed: |_| enginehouse_cluster::is_installed(),
        package: "postgresql",
        for_what: "tests start it, kill it and let a standby take over",
    },
    Tool {
        program: "pgbouncer",
        is_installed: |_| Pgbouncer::is_installed(),
        package: "pgbouncer",
        for_what: "tests connect to PostgreSQL through it",
    },
    Tool {
        program: "jq",
        is_installed: says_version,
        package: "jq",
        for_what: "a test follows the recipes of docs/engine-run.md",
    },
    Tool {
        program: "promtool",
        is_installed: says_version,
        package: "prometheus",
        for_what: "tests check metrics, alerts and the board as Prometheus would",
    },
    Tool {
        program: "script",
        is_installed: says_version,
        package: "bsdutils",
        for_what: "a test looks at what is shown on a terminal",
    },
    Tool {
        program: "python3 with venv",
        // Debian ships `venv` with Python, but not what it installs pip from.
        is_installed: |_| succeeds(&["python3", "-c", "import ensurepip, venv"]),
        package: "python3-venv",
        for_what: "tests give our migrations to Alembic and Django",
    },
    Tool {
        program: "node",
        is_installed: says_version,
        package: "nodejs",
        for_what: "tests run an engine in JavaScript, and a client in TypeScript",
    },
    Tool {
        program: "npm",
        is_installed: says_version,
        package: "npm",
        for_what: "tests install what checks the description of the API",
    },
    Tool {
        program: "chromium",
        is_installed: says_version,
        package: "chromium",
        for_what: "tests look at the dashboard as people do",
    },
    Tool {
        program: "lintian",
        is_installed: says_version,
        package: "lintian",
        for_what: "a test asks what Debian has against the package",
    },
    Tool {
        program: "systemd-analyze",
        is_installed: says_version,
        package: "systemd",
        for_what: "a test looks at the unit of the package, whose user systemd-sysusers makes",
    },
];

/// What makes packages.
pub(crate) const OF_PACKAGES: &[Tool] = &[
    Tool {
        program: "debhelper",
        is_installed: |_| succeeds(&["dpkg-query", "--show", "debhelper"]),
        package: "debhelper",
        for_what: "it makes the package for Debian",
    },
    Tool {
        program: "readelf",
        is_installed: says_version,
        package: "binutils",
        for_what: "it tells which C library the binary needs",
    },
    Tool {
        program: "python3 with venv",
        is_installed: |_| succeeds(&["python3", "-c", "import ensurepip, venv"]),
        package: "python3-venv",
        for_what: "hatchling makes wheels",
    },
    Tool { program: "npm", is_installed: says_version, package: "npm", for_what: "it makes its packages" },
    Tool {
        program: "buildah",
        is_installed: says_version,
        package: "buildah",
        for_what: "it makes the container image",
    },
    Tool {
        program: "certificates of CAs",
        is_installed: |_| std::path::Path::new("/etc/ssl/certs/ca-certificates.crt").exists(),
        package: "ca-certificates",
        for_what: "the container image brings them",
    },
];

/// What is measured beside our own server, again by servers of the suite's own.
pub(crate) const OF_BENCH: &[Tool] = &[
    Tool {
        program: "PostgreSQL's server",
        is_installed: |_| enginehouse_cluster::is_installed(),
        package: "postgresql",
        for_what: "a store of ours and two of the peers are on it",
    },
    Tool { program: "redis-server", is_installed: says_version, package: "redis-server", for_what: "one of the peers" },
    Tool {
        program: "beanstalkd",
        is_installed: |tool| succeeds(&[tool.program, "-v"]),
        package: "beanstalkd",
        for_what: "one of the peers",
    },
];

/// Installs what is missing, or says exactly what to install.
pub(crate) fn ensure(tools: &[Tool]) -> Result<()> {
    let missing: Vec<_> = tools.iter().filter(|tool| !(tool.is_installed)(tool)).collect();
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

fn says_version(tool: &Tool) -> bool {
    succeeds(&[tool.program, "--version"])
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
        let tool = |program, package, for_what| Tool { program, is_installed: says_version, package, for_what };
        let psql = tool("psql", "postgresql-client", "a test reads tables");
        let jq = tool("jq", "jq", "a test reads JSON");
        assert_eq!(
            advice(&[&psql, &jq]),
            "psql is missing (a test reads tables), jq is missing (a test reads JSON); \
             on Debian: apt-get install postgresql-client jq"
        );
    }
}
