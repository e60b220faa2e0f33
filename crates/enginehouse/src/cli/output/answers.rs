//! One answer on stdout, in the format that was asked for.

use std::io::Write;

use enginehouse_api::page::Page;
use serde::Serialize;

use super::super::cli_error::{CliError, written};
use super::super::server_and_output::{OutputArgs, OutputFormat};
use super::super::terminal_text::{indented, one_line};
use super::super::times::Times;
use super::documents::{compact, pretty, yaml};
use super::listed::Listed;
use super::table::TableLayout;

/// Shows a list that comes as a whole.
pub(crate) fn whole_list<T: Listed>(output: &OutputArgs, times: &Times, items: Vec<T>) -> Result<(), CliError> {
    let layout = TableLayout::new::<T>(output.format() == OutputFormat::Wide, None)?;
    list(output, &layout, times, &Page { items, next_cursor: None, searched_until: None })
}

/// Shows one page of a list.
pub(super) fn list<T: Listed>(
    output: &OutputArgs,
    layout: &TableLayout,
    times: &Times,
    page: &Page<T>,
) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    let result = (|| {
        match output.format() {
            OutputFormat::Name => {
                for id in page.items.iter().map(T::id).filter(|id| !id.is_empty()) {
                    writeln!(out, "{id}")?;
                }
            }
            OutputFormat::Json => writeln!(out, "{}", pretty(page))?,
            OutputFormat::Jsonl => {
                for item in &page.items {
                    writeln!(out, "{}", compact(item))?;
                }
            }
            OutputFormat::Yaml => writeln!(out, "---\n{}", yaml(page))?,
            OutputFormat::Table | OutputFormat::Wide => writeln!(out, "{}", layout.table(&page.items, times))?,
        }
        out.flush()
    })();
    written(result)
}

/// Writes a table that was made safe to stderr, below a note.
pub(crate) fn show_below(table: &str) {
    // Without stderr there is nowhere to write it.
    let _ = writeln!(std::io::stderr(), "{table}");
}

/// A list as text for people, for a question that is asked about it.
pub(crate) fn preview<T: Listed>(items: &[T], times: &Times) -> Result<String, CliError> {
    Ok(TableLayout::new::<T>(false, None)?.table(items, times))
}

/// Shows one thing: its document, or one text as it is, for whoever goes on with it.
pub(crate) fn text_of(output: &OutputArgs, thing: &impl Serialize, id: &str, text: &str) -> Result<(), CliError> {
    if !output.format().is_table() {
        return one(output, thing, id, &[]);
    }
    let mut out = std::io::stdout().lock();
    written(writeln!(out, "{text}").and_then(|()| out.flush()))
}

/// Shows one thing: its document, or `fields` for people.
pub(crate) fn one(
    output: &OutputArgs,
    thing: &impl Serialize,
    id: &str,
    fields: &[(&str, String)],
) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    let result = match output.format() {
        OutputFormat::Name => writeln!(out, "{id}"),
        OutputFormat::Json => writeln!(out, "{}", pretty(thing)),
        OutputFormat::Jsonl => writeln!(out, "{}", compact(thing)),
        OutputFormat::Yaml => writeln!(out, "---\n{}", yaml(thing)),
        OutputFormat::Table | OutputFormat::Wide => {
            let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            fields.iter().try_for_each(|(name, value)| {
                writeln!(out, "{:width$}  {}", one_line(name), indented(value, width + 2))
            })
        }
    };
    written(result.and_then(|()| out.flush()))
}

/// The document of a thing in a format for programs.
pub(crate) fn document(format: OutputFormat, thing: &impl Serialize) -> String {
    match format {
        OutputFormat::Yaml => format!("---\n{}\n", yaml(thing)),
        _ => format!("{}\n", compact(thing)),
    }
}

/// What is shown where there is nothing.
pub(crate) fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}
