//! Lists for people: columns that fit the terminal.

use std::io::IsTerminal;

use comfy_table::{ColumnConstraint, ContentArrangement, Table, Width, presets};

use super::super::cli_error::CliError;
use super::super::terminal_text::one_line;
use super::super::times::Times;
use super::listed::Listed;
use crate::exit_codes::Exit;

/// Which columns of a list, and how wide they may be in all.
#[derive(Clone, Debug)]
pub(super) struct TableLayout {
    /// Places in the header.
    columns: Vec<usize>,
    /// The width of the terminal; none if there is none, or all is to be shown.
    max_width: Option<u16>,
}

impl TableLayout {
    /// The columns that are asked for; else all of a wide table, or those that a terminal has room for.
    pub(super) fn new<T: Listed>(wide: bool, asked: Option<&[String]>) -> Result<Self, CliError> {
        let columns = match asked {
            Some(names) => names.iter().map(|name| column::<T>(name)).collect::<Result<_, _>>()?,
            None => (0..T::HEADER.len()).filter(|place| wide || !T::WIDE.contains(&T::HEADER[*place])).collect(),
        };
        let is_terminal = std::io::stdout().is_terminal() && !wide;
        let size = is_terminal.then(|| terminal_size::terminal_size_of(std::io::stdout())).flatten();
        Ok(Self { columns, max_width: size.map(|(width, _)| width.0) })
    }

    pub(super) fn table<T: Listed>(&self, items: &[T], times: &Times) -> String {
        let mut table = Table::new();
        table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Disabled);
        if let Some(width) = self.max_width {
            // One more than there is: the trailing space of the last column is not written.
            table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_add(1));
            table.set_truncation_indicator("…");
        }
        let mut header = comfy_table::Row::from(self.columns.iter().map(|place| T::HEADER[*place]));
        header.max_height(1);
        table.set_header(header);
        for item in items {
            let cells = item.row(times);
            let cells = self.columns.iter().map(|place| cells.get(*place).map_or_else(String::new, |cell| cut(cell)));
            let mut row = comfy_table::Row::from(cells);
            row.max_height(1);
            table.add_row(row);
        }
        // An id is of no use in part.
        if let Some(place) = self.columns.iter().position(|place| *place == 0)
            && let Some(column) = table.column_mut(place)
        {
            column.set_constraint(ColumnConstraint::ContentWidth);
        }
        // Headers are not cut as long as there is room for them.
        let widths = self.columns.iter().map(|place| T::HEADER[*place].len() + 2);
        let id_width = items.iter().map(|item| item.id().len()).max().unwrap_or(0);
        if self
            .max_width
            .is_none_or(|max_width| widths.clone().skip(1).sum::<usize>() + id_width + 2 <= max_width.into())
        {
            for (column, width) in table.column_iter_mut().zip(widths).skip(1) {
                let width = u16::try_from(width).unwrap_or(u16::MAX);
                column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(width)));
            }
        }
        table.trim_fmt()
    }
}

/// The place of the column of a name, as the header has it or as JSON would: `ERROR CODE`, `error_code`.
fn column<T: Listed>(name: &str) -> Result<usize, CliError> {
    let plain = |name: &str| name.to_lowercase().replace(['_', '-'], " ");
    T::HEADER.iter().position(|header| plain(header) == plain(name)).ok_or_else(|| {
        let names: Vec<_> = T::HEADER.iter().map(|header| plain(header).replace(' ', "_")).collect();
        CliError::new(
            Exit::Invalid,
            "nothing was listed",
            format!("there is no column {name:?}"),
            format!("name some of {} with --columns", names.join(",")),
        )
    })
}

/// The most characters of a cell.
const MAX_CELL: usize = 200;

fn cut(cell: &str) -> String {
    let cell = one_line(cell);
    match cell.char_indices().nth(MAX_CELL) {
        Some((end, _)) => format!("{}…", &cell[..end]),
        None => cell.into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use super::*;
    use crate::cli::times::TimeFormat;

    #[derive(Serialize)]
    struct Thing(u32, &'static str, &'static str);

    impl Listed for Thing {
        const HEADER: &'static [&'static str] = &["ID", "NAME", "ERROR CODE"];
        const WIDE: &'static [&'static str] = &["NAME"];

        fn row(&self, _: &Times) -> Vec<String> {
            vec![self.0.to_string(), self.1.to_owned(), self.2.to_owned()]
        }

        fn id(&self) -> String {
            self.0.to_string()
        }
    }

    const THINGS: [Thing; 2] = [Thing(1, "a", "x"), Thing(23, "long \u{1b}[31mna\nme", "a code of many words")];

    fn shown(wide: bool, columns: Option<&[&str]>, max_width: Option<u16>) -> String {
        let asked: Option<Vec<_>> = columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
        let mut layout = TableLayout::new::<Thing>(wide, asked.as_deref()).unwrap();
        layout.max_width = max_width;
        layout.table(&THINGS, &Times::new(TimeFormat::Utc))
    }

    #[test]
    fn a_table_is_plain_text_in_columns() {
        assert_eq!(
            shown(true, None, None),
            " ID  NAME                   ERROR CODE\n 1   a                      x\n 23  long \\u{1b}[31mna\\nme  a code of many words"
        );
        assert_eq!(shown(false, None, None), " ID  ERROR CODE\n 1   x\n 23  a code of many words");
        assert_eq!(
            shown(false, Some(&["error_code", "Id"]), None),
            " ERROR CODE            ID\n x                     1\n a code of many words  23"
        );
    }

    #[test]
    fn a_table_fits_the_terminal() {
        let narrow = shown(true, None, Some(30));
        assert!(narrow.lines().all(|line| line.chars().count() <= 30), "{narrow}");
        assert_eq!(narrow.lines().count(), 3, "{narrow}");
        assert!(narrow.contains('…'), "{narrow}");
    }

    #[test]
    fn a_column_that_is_not_there_is_named_with_those_that_are() {
        let error = TableLayout::new::<Thing>(false, Some(&["age".to_owned()])).unwrap_err();
        assert_eq!(error.hint, "name some of id,name,error_code with --columns");
    }
}
