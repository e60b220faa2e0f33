//! Answers on stdout: tables for people, JSON for programs, ids for pipes.

use std::io::Write;

use clap::Args;
use comfy_table::{ContentArrangement, Table, presets};
use enginehouse_api::page::Page;
use enginehouse_client::Error;
use serde::Serialize;

use super::cli_error::{CliError, written};
use super::server_and_output::{Common, OutputFormat};
use super::terminal_text::clean;

/// Something that a list shows.
pub(crate) trait Listed: Serialize {
    /// The columns.
    const HEADER: &'static [&'static str];
    /// One cell for each column.
    fn row(&self) -> Vec<String>;
    /// What `-q` shows.
    fn id(&self) -> String;
}

/// Which part of a list.
#[derive(Clone, Debug, Args)]
pub(crate) struct Part {
    /// Show so many at most
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=1000))]
    limit: u64,
    /// Continue where a list ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Show all, however many there are
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    all: bool,
}

impl Part {
    /// Shows a list, which `fetch` gets a page at a time: by its limit and cursor.
    pub(crate) async fn show<T: Listed>(
        self,
        common: &Common,
        what: &str,
        fetch: impl AsyncFn(u64, Option<String>) -> Result<Page<T>, Error>,
    ) -> Result<(), CliError> {
        let limit = if self.all { 1_000 } else { self.limit };
        let mut cursor = self.cursor;
        let mut items = Vec::new();
        loop {
            let page = fetch(limit, cursor.take()).await.map_err(|error| CliError::call(what, error))?;
            cursor = page.next_cursor;
            items.extend(page.items);
            let last = cursor.is_none() || !self.all;
            // These show as they come, so that the longest list needs no memory.
            if last || common.quiet || common.output == OutputFormat::Jsonl {
                let next_cursor = cursor.clone().filter(|_| last);
                list(common, &Page { items: std::mem::take(&mut items), next_cursor })?;
            }
            if last {
                return Ok(());
            }
        }
    }
}

/// Shows one page of a list.
pub(crate) fn list<T: Listed>(common: &Common, page: &Page<T>) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    let result = (|| {
        match common.output {
            _ if common.quiet => {
                for item in &page.items {
                    writeln!(out, "{}", item.id())?;
                }
            }
            OutputFormat::Json => writeln!(out, "{}", pretty(page))?,
            OutputFormat::Jsonl => {
                for item in &page.items {
                    writeln!(out, "{}", compact(item))?;
                }
            }
            OutputFormat::Table => writeln!(out, "{}", table(&page.items))?,
        }
        out.flush()
    })();
    written(result)?;
    if let (OutputFormat::Table, false, Some(cursor)) = (common.output, common.quiet, &page.next_cursor) {
        note(&format!("there are more: add --cursor {cursor}, or --all"));
    }
    Ok(())
}

fn table<T: Listed>(items: &[T]) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(T::HEADER.iter().copied());
    for item in items {
        table.add_row(item.row().iter().map(|cell| clean(cell)));
    }
    table.trim_fmt()
}

/// Shows one thing: its JSON, or `fields` for people.
pub(crate) fn one(
    common: &Common,
    thing: &impl Serialize,
    id: &str,
    fields: &[(&str, String)],
) -> Result<(), CliError> {
    let mut out = std::io::stdout().lock();
    let result = match common.output {
        _ if common.quiet => writeln!(out, "{id}"),
        OutputFormat::Json => writeln!(out, "{}", pretty(thing)),
        OutputFormat::Jsonl => writeln!(out, "{}", compact(thing)),
        OutputFormat::Table => {
            let width = fields.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
            fields.iter().try_for_each(|(name, value)| {
                let value = clean(value);
                writeln!(out, "{name:width$}  {value}")
            })
        }
    };
    written(result.and_then(|()| out.flush()))
}

/// Writes a note for a person to stderr, apart from the answer.
pub(crate) fn note(text: &str) {
    // Without stderr there is nowhere to write it.
    let _ = writeln!(std::io::stderr(), "{}", clean(text));
}

fn pretty(value: &impl Serialize) -> String {
    // These types hold nothing that JSON cannot say.
    serde_json::to_string_pretty(value).unwrap_or_default()
}

fn compact(value: &impl Serialize) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

/// What is shown where there is nothing.
pub(crate) fn or_dash<T: ToString>(value: Option<&T>) -> String {
    value.map_or_else(|| "-".to_owned(), ToString::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Thing(u32, &'static str);

    impl Listed for Thing {
        const HEADER: &'static [&'static str] = &["ID", "NAME"];

        fn row(&self) -> Vec<String> {
            vec![self.0.to_string(), self.1.to_owned()]
        }

        fn id(&self) -> String {
            self.0.to_string()
        }
    }

    #[test]
    fn a_table_is_plain_text_in_columns() {
        let shown = table(&[Thing(1, "a"), Thing(23, "long \u{1b}[31mname")]);
        assert_eq!(shown, " ID  NAME\n 1   a\n 23  long \u{fffd}[31mname");
        assert_eq!(table::<Thing>(&[]), " ID  NAME");
    }
}
