//! One picture of the screen: lines of text in a buffer, cut to its size.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};

use super::super::terminal_text::one_line;
use super::keys::{Overlay, ScreenState};
use super::rows::{Tab, TopRow, Urgency};
use super::snapshot::TopSnapshot;

/// The least that makes sense.
const LEAST: (u16, u16) = (40, 8);
/// The lines above the rows, and below them.
const ABOVE: u16 = 5;
pub(super) const BELOW: u16 = 2;
/// The lines of the head.
pub(super) const HEAD: usize = 4;

/// What is drawn.
#[derive(Debug)]
pub(super) struct TopFrame<'a> {
    pub(super) snapshot: &'a TopSnapshot,
    pub(super) state: &'a ScreenState,
    /// The server, and whether it is in production.
    pub(super) server: &'a str,
    /// What is wrong with the connection; nothing while it is there.
    pub(super) fault: Option<&'a str>,
    pub(super) has_colours: bool,
}

impl TopFrame<'_> {
    /// How many lines it takes to show all rows.
    pub(super) fn height(&self) -> u16 {
        let rows = u16::try_from(self.state.rows(self.snapshot).len()).unwrap_or(u16::MAX);
        rows.saturating_add(ABOVE + BELOW).max(LEAST.1)
    }

    pub(super) fn draw(&self, area: Rect, buffer: &mut Buffer) {
        if area.width < LEAST.0 || area.height < LEAST.1 {
            let (columns, lines) = LEAST;
            buffer.set_stringn(area.x, area.y, format!("needs {columns}x{lines}"), area.width.into(), Style::new());
            return;
        }
        self.draw_head(area, buffer);
        self.draw_rows(area, buffer);
        self.draw_foot(area, buffer);
        self.draw_overlay(area, buffer);
    }

    fn draw_head(&self, area: Rect, buffer: &mut Buffer) {
        let bold = Style::new().add_modifier(Modifier::BOLD);
        let server = one_line(self.server);
        match self.fault {
            Some(fault) => {
                let text = format!("{server}  {}", one_line(fault));
                self.line(area, 0, &text, self.style(Urgency::Alarm), buffer);
            }
            None => self.line(area, 0, &format!("{server}  live"), bold, buffer),
        }
        let Some(overview) = &self.snapshot.overview else { return };
        let (events, engines, rates) = (&overview.events, &overview.engines, &overview.rates);
        let text = format!(
            "events  {} queued, {} processing, {} dead letters   engines  {} active, {} draining, {} lost",
            events.queued, events.processing, overview.dead_letters, engines.active, engines.draining, engines.lost
        );
        self.line(area, 1, &text, Style::new(), buffer);
        let waiting =
            rates.waiting.map_or_else(String::new, |figures| format!("   wait p95 {:.1}s", figures.p95_seconds));
        let text = format!(
            "per second  {:.1} enqueued, {:.1} completed, {:.1} failed, {:.1} lost{waiting}",
            rates.enqueued_per_second, rates.completed_per_second, rates.failed_per_second, rates.lost_per_second
        );
        self.line(area, 2, &text, Style::new(), buffer);
        match overview.attention.as_slice() {
            [] => self.line(area, 3, "Nothing needs a person.", self.style(Urgency::Quiet), buffer),
            [first, others @ ..] => {
                let more = if others.is_empty() { String::new() } else { format!("(4: {} more) ", others.len()) };
                let text = format!("! {more}{}", one_line(&first.summary));
                self.line(area, 3, &text, self.style(Urgency::Warning), buffer);
            }
        }
    }

    fn draw_rows(&self, area: Rect, buffer: &mut Buffer) {
        let rows = self.state.rows(self.snapshot);
        let chosen = self.state.chosen_in(&rows);
        let header = self.state.tab.columns().iter().enumerate().map(|(place, (name, _))| {
            let is_sorted = place == self.state.sorted_by && self.state.tab != Tab::Attention;
            if is_sorted { format!("{name}*") } else { (*name).to_owned() }
        });
        let header = header.collect::<Vec<_>>();
        let bold = Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED);
        self.cells(area, ABOVE - 1, &header, bold, buffer);
        let room = area.height - ABOVE - BELOW;
        // The chosen row is always in sight.
        let first = (chosen + 1).saturating_sub(room.into());
        for (line, (place, row)) in (0..room).zip(rows.iter().enumerate().skip(first)) {
            let TopRow { cells, urgency, .. } = row;
            let mut style = self.style(*urgency);
            if place == chosen {
                style = style.add_modifier(Modifier::REVERSED);
            }
            self.cells(area, ABOVE + line, cells, style, buffer);
        }
        if rows.is_empty() && self.snapshot.is_whole() {
            let nothing = match self.state.tab {
                _ if !self.state.filter.is_empty() => "Nothing has this text: Esc shows all.",
                Tab::Engines => "No engine has registered: `enginehouse engine run --help` makes one of any program.",
                Tab::Queues => "No event was enqueued: `enginehouse event enqueue --help`.",
                Tab::Runs => "No scenario run has events: enqueue with --scenario-run-id.",
                Tab::Attention => "Nothing needs a person.",
            };
            self.line(area, ABOVE, nothing, self.style(Urgency::Quiet), buffer);
        }
    }

    fn draw_foot(&self, area: Rect, buffer: &mut Buffer) {
        let rows = self.state.rows(self.snapshot).len();
        let tabs = Tab::ALL.iter().zip(1..).map(|(tab, digit)| {
            if *tab == self.state.tab {
                format!("[{digit} {}]", tab.title())
            } else {
                format!("{digit} {}", tab.title())
            }
        });
        let tabs = tabs.collect::<Vec<_>>().join("  ");
        let topic = self.state.tab.title().to_lowercase();
        let cut = if self.snapshot.cut.contains(&topic) { ", the server tells of no more" } else { "" };
        let text = format!("{tabs}   {rows} rows{cut}");
        self.line(area, area.height - 2, &text, Style::new(), buffer);
        let text = match (&self.state.overlay, self.state.message.as_str(), self.state.filter.as_str()) {
            (Overlay::Filter { .. }, _, filter) => format!("/{}_", one_line(filter)),
            (_, "", "") => "? keys  / filter  s sort  Enter why  q leave".to_owned(),
            (_, "", filter) => format!("only with {:?}: Esc shows all", one_line(filter)),
            (_, message, _) => one_line(message).into_owned(),
        };
        self.line(area, area.height - 1, &text, Style::new().add_modifier(Modifier::BOLD), buffer);
    }

    fn draw_overlay(&self, area: Rect, buffer: &mut Buffer) {
        let (title, lines) = match &self.state.overlay {
            Overlay::Nothing | Overlay::Filter { .. } => return,
            Overlay::Question(action) => {
                let command = format!("The same: {}", action.command());
                ("Go on? y does it, any other key does not", vec![action.effect(), command])
            }
            Overlay::Text { title, lines } => (title.as_str(), lines.clone()),
        };
        let width = usize::from(area.width) - 4;
        let lines: Vec<_> = lines.iter().flat_map(|line| wrapped(&one_line(line), width)).collect();
        let room = usize::from(area.height) - 2;
        let shown = lines.len().min(room);
        let top = area.height - 2 - u16::try_from(shown).unwrap_or(0);
        let blank = " ".repeat(area.width.into());
        let style = Style::new().add_modifier(Modifier::REVERSED);
        self.line(area, top, &blank, style, buffer);
        self.line(area, top, &format!(" {}", one_line(title)), style.add_modifier(Modifier::BOLD), buffer);
        for (line, text) in (top + 1..).zip(lines.iter().take(shown)) {
            self.line(area, line, &blank, Style::reset(), buffer);
            self.line(area, line, &format!("  {text}"), Style::reset(), buffer);
        }
    }

    fn line(&self, area: Rect, line: u16, text: &str, style: Style, buffer: &mut Buffer) {
        if line < area.height {
            buffer.set_stringn(area.x, area.y + line, text, area.width.into(), style);
        }
    }

    fn cells(&self, area: Rect, line: u16, cells: &[String], style: Style, buffer: &mut Buffer) {
        self.line(area, line, &" ".repeat(area.width.into()), style, buffer);
        let mut x = 0;
        for (cell, (_, width)) in cells.iter().zip(self.state.tab.columns()) {
            let left = area.width.saturating_sub(x);
            let width = if *width == 0 { left } else { left.min(*width) };
            // A blank between two columns.
            let room = if width == left { width } else { width.saturating_sub(1) };
            buffer.set_stringn(area.x + x, area.y + line, cell, room.into(), style);
            x += width;
            if x >= area.width {
                break;
            }
        }
    }

    fn style(&self, urgency: Urgency) -> Style {
        let style = Style::new();
        match urgency {
            Urgency::Normal => style,
            Urgency::Quiet => style.add_modifier(Modifier::DIM),
            Urgency::Warning if self.has_colours => style.fg(Color::Yellow),
            Urgency::Alarm if self.has_colours => style.fg(Color::Red).add_modifier(Modifier::BOLD),
            Urgency::Warning | Urgency::Alarm => style.add_modifier(Modifier::BOLD),
        }
    }
}

/// A text in lines of so many letters at most, broken between words where there are some.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].chars().count() + 1 + word.chars().count() > width {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(if word.is_empty() { " " } else { word });
        }
    }
    lines
}
