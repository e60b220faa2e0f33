//! The page of the suite at scale.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result};

use super::machine::Machine;
use super::markdown::{number, table};
use crate::arguments::ScaleArgs;
use crate::scale::{Limit, ScaleFigure, ScaleFindings, ScaleScenario, ScaleStore};
use crate::sql_session::POSTGRES;

const REPORT: &str = "scale.md";

pub(crate) fn write(
    of: &ScaleArgs,
    machine: &Machine,
    versions: &[(&str, String)],
    findings: &ScaleFindings,
) -> Result<()> {
    fs::create_dir_all(&of.out).with_context(|| format!("cannot make the folder {}", of.out.display()))?;
    let path = of.out.join(REPORT);
    fs::write(&path, page(machine, versions, findings)).with_context(|| format!("cannot write {}", path.display()))
}

pub(crate) fn page(machine: &Machine, versions: &[(&str, String)], findings: &ScaleFindings) -> String {
    let postgres: Vec<_> = POSTGRES.iter().map(|(name, value)| format!("`{name} = {value}`")).collect();
    let versions = versions.iter().filter(|(name, _)| ["Enginehouse", "PostgreSQL"].contains(name));
    [
        "# Enginehouse at scale\n\n".to_owned(),
        machine.describe(),
        versions.map(|(name, version)| format!("- {name}: {version}\n")).collect(),
        format!("- PostgreSQL is set so: {}\n", postgres.join(", ")),
        findings.by_scenario().map(|(scenario, found)| section(scenario, found)).collect(),
        "\nTimes are those that a client sees. Client and servers share the machine; a server of its own, with nothing in it at first, for each \
         scenario and store. Figures are of one run.\n\nThe suite was run as:\n\n```\ncargo xtask bench --scale"
            .to_owned(),
        std::env::args().skip(2).map(|argument| format!(" {argument}")).collect(),
        "\n```\n".to_owned(),
    ]
    .concat()
}

fn section(scenario: ScaleScenario, found: &BTreeMap<ScaleStore, Vec<ScaleFigure>>) -> String {
    let (name, stores): (_, Vec<_>) = (scenario.name(), found.keys().copied().collect());
    let head: Vec<_> = [name.clone(), "has to be".to_owned()]
        .into_iter()
        .chain(stores.iter().map(|store| store.label().to_owned()))
        .collect();
    // Both stores have the same figures in one order.
    let first = found.values().next().map(Vec::as_slice).unwrap_or_default();
    let rows: Vec<_> = first.iter().map(|figure| row(&figure.what, found)).collect();
    format!("\n## {name}\n\n{}", table(&head, &rows))
}

fn row(what: &str, found: &BTreeMap<ScaleStore, Vec<ScaleFigure>>) -> Vec<String> {
    let of_stores: Vec<_> =
        found.values().map(|findings| findings.iter().find(|finding| finding.what == what)).collect();
    let limit = of_stores.iter().flatten().find_map(|finding| finding.limit);
    let limit = match limit {
        None => String::new(),
        Some(Limit::AtMost(limit)) => format!("≤ {}", number(limit)),
        Some(Limit::AtLeast(limit)) => format!("≥ {}", number(limit)),
    };
    let cells = of_stores.iter().map(|finding| match finding {
        None => "-".to_owned(),
        Some(finding) => format!(
            "{}{}",
            number(finding.value),
            match finding.holds() {
                Some(true) => ", held",
                Some(false) => ", **missed**",
                None => "",
            }
        ),
    });
    [what.to_owned(), limit].into_iter().chain(cells).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_says_what_holds_and_what_is_missed() {
        let of = |value| vec![ScaleFigure::new("claim, ms", value).at_most(20.0)];
        let found = BTreeMap::from([(ScaleStore::Sqlite, of(3.0)), (ScaleStore::Postgres, of(30.0))]);
        assert_eq!(row("claim, ms", &found), ["claim, ms", "≤ 20.0", "3.00, held", "30.0, **missed**"]);
        assert_eq!(row("memory", &found), ["memory", "", "-", "-"]);
    }
}
