//! What keys do: a state of the screen and a key make the next state, and perhaps something to do.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::action::TopAction;
use super::rows::{RowSubject, Tab, TopRow, rows};
use super::snapshot::TopSnapshot;

/// What lies over the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Overlay {
    #[default]
    Nothing,
    /// The filter is being typed; it is this when Esc is pressed.
    Filter { before: String },
    /// Whether to do it is being asked.
    Question(TopAction),
    /// Something to read.
    Text { title: String, lines: Vec<String> },
}

/// What the screen shows, apart from the fleet.
#[derive(Clone, Debug, Default)]
pub(super) struct ScreenState {
    pub(super) tab: Tab,
    /// The key of the row that is chosen: it stays chosen where it moves to.
    pub(super) chosen: Option<String>,
    pub(super) filter: String,
    pub(super) sorted_by: usize,
    pub(super) overlay: Overlay,
    /// What was done last, or went wrong.
    pub(super) message: String,
}

/// What is to be done after a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum NextStep {
    Nothing,
    Quit,
    Act(TopAction),
    Explain(RowSubject),
}

impl ScreenState {
    /// The rows of the tab that is shown.
    pub(super) fn rows(&self, snapshot: &TopSnapshot) -> Vec<TopRow> {
        rows(snapshot, self.tab, &self.filter, self.sorted_by)
    }

    /// Where the chosen row is; the first one if it is gone.
    pub(super) fn chosen_in(&self, rows: &[TopRow]) -> usize {
        rows.iter().position(|row| Some(&row.key) == self.chosen.as_ref()).unwrap_or(0)
    }

    /// Takes a key.
    pub(super) fn press(&mut self, key: KeyEvent, snapshot: &TopSnapshot) -> NextStep {
        if key.modifiers.contains(KeyModifiers::CONTROL) {
            return if key.code == KeyCode::Char('c') { NextStep::Quit } else { NextStep::Nothing };
        }
        match std::mem::take(&mut self.overlay) {
            Overlay::Nothing => self.press_in_list(key.code, snapshot),
            Overlay::Filter { before } => {
                self.press_in_filter(key.code, before);
                NextStep::Nothing
            }
            // Only yes is yes.
            Overlay::Question(action) if matches!(key.code, KeyCode::Char('y' | 'Y')) => NextStep::Act(action),
            Overlay::Question(_) => {
                self.message = "Nothing was done.".to_owned();
                NextStep::Nothing
            }
            Overlay::Text { .. } => NextStep::Nothing,
        }
    }

    fn press_in_filter(&mut self, code: KeyCode, before: String) {
        match code {
            KeyCode::Enter => return,
            KeyCode::Esc => {
                self.filter = before;
                return;
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(letter) if self.filter.len() < 100 => self.filter.push(letter),
            _ => {}
        }
        self.overlay = Overlay::Filter { before };
    }

    fn press_in_list(&mut self, code: KeyCode, snapshot: &TopSnapshot) -> NextStep {
        const PAGE: usize = 10;
        let rows = self.rows(snapshot);
        let at = self.chosen_in(&rows);
        let subject = rows.get(at).map(|row| row.subject.clone());
        self.message.clear();
        match code {
            KeyCode::Char('q') => return NextStep::Quit,
            KeyCode::Char('?') => self.overlay = help(),
            KeyCode::Char('/') => self.overlay = Overlay::Filter { before: self.filter.clone() },
            KeyCode::Esc => self.filter.clear(),
            KeyCode::Char(digit @ '1'..='4') => self.show(Tab::ALL[digit as usize - '1' as usize]),
            KeyCode::Tab => self.show(Tab::ALL[(self.tab as usize + 1) % Tab::ALL.len()]),
            KeyCode::Char('s') => self.sorted_by = (self.sorted_by + 1) % self.tab.columns().len(),
            KeyCode::Down | KeyCode::Char('j') => self.choose(&rows, at + 1),
            KeyCode::Up | KeyCode::Char('k') => self.choose(&rows, at.saturating_sub(1)),
            KeyCode::PageDown => self.choose(&rows, at + PAGE),
            KeyCode::PageUp => self.choose(&rows, at.saturating_sub(PAGE)),
            KeyCode::Home => self.choose(&rows, 0),
            KeyCode::End => self.choose(&rows, usize::MAX),
            KeyCode::Enter => return subject.map_or(NextStep::Nothing, NextStep::Explain),
            KeyCode::Char(letter) => match subject.and_then(|subject| action(letter, subject)) {
                Some(action) => self.overlay = Overlay::Question(action),
                None => self.message = format!("Nothing to do here by {}: ? lists the keys.", letter.escape_default()),
            },
            _ => {}
        }
        NextStep::Nothing
    }

    fn show(&mut self, tab: Tab) {
        *self = Self { tab, ..Self::default() };
    }

    fn choose(&mut self, rows: &[TopRow], at: usize) {
        self.chosen = rows.get(at.min(rows.len().saturating_sub(1))).map(|row| row.key.clone());
    }
}

/// What a key does to a row; nothing where it has no meaning.
fn action(letter: char, subject: RowSubject) -> Option<TopAction> {
    Some(match (letter, subject) {
        ('d', RowSubject::Engine { engine_id }) => TopAction::DrainEngine(engine_id),
        ('r', RowSubject::Engine { engine_id }) => TopAction::ResumeEngine(engine_id),
        ('x', RowSubject::Engine { engine_id }) => TopAction::QuarantineEngine(engine_id),
        ('l', RowSubject::Engine { engine_id }) => TopAction::LiftQuarantine(engine_id),
        ('p', RowSubject::Queue { queue, .. }) => TopAction::PauseQueue(queue),
        ('r', RowSubject::Queue { queue, .. }) => TopAction::ResumeQueue(queue),
        ('p', RowSubject::Run { scenario_run_id }) => TopAction::PauseRun(scenario_run_id),
        ('r', RowSubject::Run { scenario_run_id }) => TopAction::ResumeRun(scenario_run_id),
        _ => return None,
    })
}

fn help() -> Overlay {
    let lines = [
        "1 2 3 4, Tab     engines, queues, scenario runs, what needs a person",
        "up down, j k     choose a row; PgUp, PgDn, Home and End as well",
        "Enter            why: what the chosen thing waits for",
        "/                show only rows with this text; Esc shows all",
        "s                sort by the next column",
        "d r x l          drain, resume, quarantine the engine, lift the quarantine",
        "p r              pause or resume the queue or scenario run",
        "q, Ctrl-C        leave",
        "",
        "Each change asks first, and names the command that does the same.",
    ];
    Overlay::Text { title: "Keys".to_owned(), lines: lines.iter().map(|line| (*line).to_owned()).collect() }
}
