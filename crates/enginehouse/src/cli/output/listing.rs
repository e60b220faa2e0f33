//! A list as it is asked for: which part of it, which columns, once or again and again.

use clap::Args;
use enginehouse_api::page::Page;
use enginehouse_client::Error;

use super::super::cli_error::CliError;
use super::super::server_and_output::{Common, OutputFormat};
use super::super::times::{TimeFormat, Times};
use super::super::watch::WatchArgs;
use super::answers::list;
use super::listed::Listed;
use super::notes::note;
use super::table::TableLayout;
use crate::exit_codes::Exit;

/// The most that the server gives at once.
const MAX_PAGE: u64 = 1_000;
/// How many a list shows if nothing is said.
const DEFAULT_LIMIT: u64 = 50;

/// Which part of a list, and how it is shown.
#[derive(Clone, Debug, Args)]
pub(crate) struct Part {
    /// Show so many at most [default: 50; all where only ids are shown]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// Continue where a list ended
    #[arg(long, value_name = "CURSOR")]
    cursor: Option<String>,
    /// Show all, however many there are
    #[arg(long, conflicts_with_all = ["limit", "cursor"])]
    all: bool,
    /// Show these columns of the table, in this order, such as event,error
    #[arg(long, value_name = "COLUMN,...", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// How to show moments in the table [default: relative]
    #[arg(long, value_enum, value_name = "FORMAT")]
    time: Option<TimeFormat>,
    #[command(flatten)]
    watch: WatchArgs,
}

impl Part {
    /// Shows a list, which `fetch` gets a page at a time: by its limit and cursor.
    pub(crate) async fn show<T: Listed>(
        self,
        common: &Common,
        what: &str,
        fetch: impl AsyncFn(u64, Option<String>) -> Result<Page<T>, Error>,
    ) -> Result<(), CliError> {
        let format = common.format();
        if !format.is_table() && (self.columns.is_some() || self.time.is_some()) {
            return Err(CliError::new(
                Exit::Invalid,
                "nothing was listed",
                "--columns and --time are for tables",
                "leave them out, or show a table with -o table or -o wide",
            ));
        }
        let layout = TableLayout::new::<T>(format == OutputFormat::Wide, self.columns.as_deref())?;
        self.watch.repeat(common, async || self.show_once(common, what, &layout, &fetch).await).await
    }

    async fn show_once<T: Listed>(
        &self,
        common: &Common,
        what: &str,
        layout: &TableLayout,
        fetch: &impl AsyncFn(u64, Option<String>) -> Result<Page<T>, Error>,
    ) -> Result<(), CliError> {
        let format = common.format();
        let times = Times::new(self.time.unwrap_or(TimeFormat::Relative));
        // Ids go to another program, which would take a part for all.
        let all = self.all || (format == OutputFormat::Name && self.cursor.is_none());
        let limit = self.limit.unwrap_or(if all { u64::MAX } else { DEFAULT_LIMIT });
        let mut left = limit;
        let mut cursor = self.cursor.clone();
        let mut items = Vec::new();
        loop {
            let page = fetch(left.min(MAX_PAGE), cursor.take()).await.map_err(|error| CliError::call(what, error))?;
            cursor = page.next_cursor;
            left = left.saturating_sub(page.items.len() as u64);
            items.extend(page.items);
            // A page may be short, or empty, and still have a successor.
            let is_last = cursor.is_none() || left == 0;
            // These show as they come, so that the longest list needs no memory.
            if is_last || matches!(format, OutputFormat::Name | OutputFormat::Jsonl) {
                let next_cursor = cursor.clone().filter(|_| is_last);
                list(
                    common,
                    layout,
                    &times,
                    &Page { items: std::mem::take(&mut items), next_cursor, searched_until: None },
                )?;
            }
            if is_last {
                break;
            }
        }
        if let Some(cursor) = cursor {
            note(&format!("these are {limit}, and there are more: add --cursor {cursor}, or show all with --all"));
        }
        Ok(())
    }
}
