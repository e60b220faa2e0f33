//! What was seen, for people: a page and a plot.

pub(crate) mod machine;
mod markdown;
mod plot;
pub(crate) mod scale;
mod tables;

use std::fs;

use anyhow::{Context, Result};

use self::machine::Machine;
use crate::arguments::SideBySideArgs;
use crate::results::Results;
use crate::sql_session::POSTGRES;
use crate::systems::SystemName;

const REPORT: &str = "report.md";
const PLOT: &str = "ratios.svg";

/// Writes both, and prints the page.
pub(crate) fn write(
    of: &SideBySideArgs,
    machine: &Machine,
    versions: &[(&str, String)],
    results: &Results,
) -> Result<()> {
    let page = page(of, machine, versions, results);
    fs::create_dir_all(&of.out).with_context(|| format!("cannot make the folder {}", of.out.display()))?;
    for (name, content) in [(REPORT, &page), (PLOT, &plot::ratios(results))] {
        let path = of.out.join(name);
        fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{page}");
    eprintln!("written to {}: {REPORT} and {PLOT}", of.out.display());
    Ok(())
}

fn page(of: &SideBySideArgs, machine: &Machine, versions: &[(&str, String)], results: &Results) -> String {
    let (rounds, seconds, backlog, snapshot) = (results.count(), of.seconds(), of.backlog(), of.snapshot_seconds());
    let postgres: Vec<_> = POSTGRES.iter().map(|(name, value)| format!("`{name} = {value}`")).collect();
    let named = SystemName::all().filter(|system| system.is_usual() || of.takes_part(*system));
    let settings = named.map(|system| format!("- {}: {}\n", system.label(), system.settings()));
    let versions = versions.iter().map(|(name, version)| format!("- {name}: {version}\n"));
    [
        "# Enginehouse beside other queues\n\n".to_owned(),
        machine.describe(),
        "\n## Where it must stand\n\n".to_owned(),
        "A ratio is that of two figures of one round; what is shown is the median of the rounds, and the least and the \
         most of them in brackets.\n\n"
            .to_owned(),
        tables::targets(results),
        format!("\n![The ratios on a logarithmic axis]({PLOT})\n"),
        tables::all(results),
        "\n## How it was measured\n\n".to_owned(),
        format!(
            "{rounds} rounds of {seconds} s a phase, each on fresh data, with the systems in turn in every class. A closed \
             loop for each connection, events of 200 bytes of JSON, every answer after its sync. In a mix, producers \
             and consumers wait for each other. The large backlog is {backlog} events; the snapshot was held for \
             {snapshot:.0} s, and its last window counts. Client and servers share the machine. Processor time is that of all \
             processes of a server, PostgreSQL's own among them. Writes are those of the whole disk during a phase, and \
             memory is what was resident at the end of a phase, shared pages counted once.\n\n\
             PostgreSQL, one server for all that use it: {}.\n\n",
            postgres.join(", ")
        ),
        settings.collect(),
        "\n".to_owned(),
        versions.collect(),
        "\nThe suite was run as:\n\n```\ncargo xtask bench".to_owned(),
        std::env::args().skip(2).map(|argument| format!(" {argument}")).collect(),
        "\n```\n".to_owned(),
    ]
    .concat()
}
