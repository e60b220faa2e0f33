//! The tables of the page.

use clap::ValueEnum;

use super::markdown::{number, spread, table};
use crate::classes::LoadClass;
use crate::disk::DiskSpeed;
use crate::measurement::Spread;
use crate::phase::PhaseFigures;
use crate::results::{Quantity, Results};
use crate::systems::SystemName;
use crate::targets::{self, Standing};

/// Where it has to stand, and where it does.
pub(super) fn targets(results: &Results) -> String {
    let head = ["class", "of", "against", "ratio", "at least", "aim", "reached"].map(str::to_owned);
    let rows = targets::all().into_iter().filter_map(|target| {
        let ratio = target.ratio(results)?;
        let bound = |bound: f64| format!("{}{bound}", if target.is_cost { "≤ " } else { "" });
        let reached = match target.standing(ratio.median) {
            Standing::Missed => "**no**",
            Standing::Enough => "at least",
            Standing::Aim => "aim",
        };
        Some(vec![
            target.class.title().to_owned(),
            target.system.label().to_owned(),
            target.against,
            spread(Some(ratio)),
            bound(target.bounds.0),
            bound(target.bounds.1),
            reached.to_owned(),
        ])
    });
    table(&head, &rows.collect::<Vec<_>>())
}

/// Everything else that was measured.
pub(super) fn all(results: &Results) -> String {
    let rates = by_class(results, |class, system| spread(results.figure(class, system, |figures| Some(figures.rate))));
    let medians = |of: fn(&PhaseFigures) -> Option<f64>| {
        by_class(results, |class, system| {
            results.figure(class, system, of).map_or_else(|| "-".to_owned(), |spread| number(spread.median))
        })
    };
    let calls = by_class(results, |class, system| {
        let median = |of: fn(&PhaseFigures) -> f64| {
            results.figure(class, system, |figures| Some(of(figures))).map(|spread| number(spread.median))
        };
        let (p50, p99) = (median(|figures| figures.p50), median(|figures| figures.p99));
        p50.zip(p99).map_or_else(|| "-".to_owned(), |(p50, p99)| format!("{p50} / {p99}"))
    });
    let sections = [
        ("Events a second", rates),
        ("How many times as many as others", over_peers(results)),
        ("With a token and TLS, as a part of without", locked(results)),
        ("How many times as much as by itself", against_itself(results)),
        ("Milliseconds of a call, p50 / p99: of a claim, or of an enqueue where nothing is claimed", calls),
        ("The server's processor time, µs an event", medians(|figures| Some(figures.server_cpu))),
        ("The client's processor time, µs an event", medians(|figures| Some(figures.client_cpu))),
        ("Writes of the disk, an event", medians(|figures| figures.writes)),
        ("Bytes written to the disk, an event", medians(|figures| figures.bytes)),
        ("The most memory that a server had at the end of a phase, MiB", memory(results)),
        ("The disk by itself, 4 KiB and `fdatasync`, a second", disk(results)),
    ];
    // What was not asked for has a head alone.
    let measured = sections.into_iter().filter(|(_, table)| table.lines().count() > 2);
    measured.map(|(title, table)| format!("\n## {title}\n\n{table}")).collect()
}

/// A row for each class and a column for each system, as far as they were measured.
fn by_class(results: &Results, cell: impl Fn(LoadClass, SystemName) -> String) -> String {
    let is_measured = |class, system| results.figure(class, system, |figures| Some(figures.rate)).is_some();
    let classes = LoadClass::value_variants().to_vec();
    let systems: Vec<_> =
        SystemName::all().filter(|system| classes.iter().any(|class| is_measured(*class, *system))).collect();
    let label = |system: &SystemName| system.label().to_owned();
    let head: Vec<_> = std::iter::once("class".to_owned()).chain(systems.iter().map(label)).collect();
    let rows = classes.into_iter().filter(|class| systems.iter().any(|system| is_measured(*class, *system)));
    let rows = rows.map(|class| {
        let cells = systems.iter().map(|system| cell(class, *system));
        std::iter::once(class.title().to_owned()).chain(cells).collect()
    });
    table(&head, &rows.collect::<Vec<_>>())
}

/// Our rates over those of others. What we do by `exchange` is compared with what they do by two calls.
fn over_peers(results: &Results) -> String {
    const PAIRS: [(SystemName, SystemName); 6] = [
        (SystemName::Sqlite, SystemName::Redis),
        (SystemName::Sqlite, SystemName::SkipLocked),
        (SystemName::Sqlite, SystemName::Beanstalkd),
        (SystemName::Postgres, SystemName::Redis),
        (SystemName::Postgres, SystemName::SkipLocked),
        (SystemName::Postgres, SystemName::Pgmq),
    ];
    let head = PAIRS.map(|(ours, peer)| {
        format!("{} / {}", if ours == SystemName::Sqlite { "SQLite" } else { "PostgreSQL" }, peer.label())
    });
    let rows = LoadClass::of_a_round().filter_map(|class| {
        let ratio = |(ours, peer)| -> Option<Spread> {
            results.ratio(Quantity::Rate(class, ours), Quantity::Rate(class.by_two_calls(), peer))
        };
        let ratios = PAIRS.map(ratio);
        let cells = ratios.iter().map(|ratio| spread(*ratio));
        ratios
            .iter()
            .any(Option::is_some)
            .then(|| std::iter::once(class.title().to_owned()).chain(cells).collect::<Vec<_>>())
    });
    let head: Vec<_> = std::iter::once("class".to_owned()).chain(head).collect();
    table(&head, &rows.collect::<Vec<_>>())
}

/// Our rates behind a token and TLS over those of a server that is open.
fn locked(results: &Results) -> String {
    let head = ["class", "system", "events a second"].map(str::to_owned);
    let systems = [SystemName::SqliteToken, SystemName::SqliteTls];
    let rows = LoadClass::value_variants().iter().flat_map(|class| systems.map(|system| (*class, system)));
    let rows = rows.filter_map(|(class, system)| {
        let open = Quantity::Rate(class, SystemName::Sqlite);
        let ratio = results.ratio(Quantity::Rate(class, system), open)?;
        Some(vec![class.title().to_owned(), system.label().to_owned(), spread(Some(ratio))])
    });
    table(&head, &rows.collect::<Vec<_>>())
}

/// With a large backlog or a held snapshot over without.
fn against_itself(results: &Results) -> String {
    let head = ["class", "system", "events a second", "p50 of a claim"].map(str::to_owned);
    let classes = LoadClass::value_variants().iter().copied().filter(|class| class.usual().is_some());
    let rows = classes.flat_map(|class| SystemName::all().map(move |system| (class, system)));
    let rows = rows.filter_map(|(class, system)| {
        let usual = class.usual()?;
        let rate = results.ratio(Quantity::Rate(class, system), Quantity::Rate(usual, system))?;
        let p50 = results.ratio(Quantity::ClaimP50(class, system), Quantity::ClaimP50(usual, system));
        Some(vec![class.title().to_owned(), system.label().to_owned(), spread(Some(rate)), spread(p50)])
    });
    table(&head, &rows.collect::<Vec<_>>())
}

fn memory(results: &Results) -> String {
    const MIB: f64 = 1024.0 * 1024.0;
    let most = |system| {
        let of_class = |class: &LoadClass| results.figure(*class, system, |figures| Some(figures.memory / MIB));
        LoadClass::value_variants().iter().filter_map(of_class).map(|spread| spread.most).reduce(f64::max)
    };
    let rows = SystemName::all().filter_map(|system| Some(vec![system.label().to_owned(), number(most(system)?)]));
    table(&["system".to_owned(), "MiB".to_owned()], &rows.collect::<Vec<_>>())
}

fn disk(results: &Results) -> String {
    let row = |name: &str, of: fn(&DiskSpeed) -> f64| {
        let speed = results.spread(|round| round.disk.as_ref().map(of))?;
        Some(vec![name.to_owned(), spread(Some(speed))])
    };
    let rows = [row("overwrite", |speed| speed.overwrites), row("append", |speed| speed.appends)];
    table(&["what".to_owned(), "a second".to_owned()], &rows.into_iter().flatten().collect::<Vec<_>>())
}
