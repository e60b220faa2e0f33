//! The loop of the screen: what comes from the server, the keyboard and the system, and what is shown of it.

use std::time::Duration;

use ratatui::DefaultTerminal;
use ratatui::crossterm::event::{Event, KeyEventKind};
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::super::cli_error::CliError;
use super::super::server_and_output::Common;
use super::super::signals::StopSignals;
use super::draw::TopFrame;
use super::feed::{FeedEvent, follow};
use super::keys::{NextStep, Overlay, ScreenState};
use super::server::{not_understood, server_name};
use super::snapshot::TopSnapshot;
use super::why::why;
use crate::exit_codes::Exit;

/// How often the thread of the keyboard looks whether it is still needed.
const KEYBOARD_WAIT: Duration = Duration::from_millis(100);

/// What became of a call.
enum Answered {
    Done(String),
    Why(Vec<String>),
}

/// Shows the screen until somebody leaves it. However that is, the terminal is as it was before.
pub(super) async fn run(common: &Common, no_color: bool) -> Result<(), CliError> {
    let no_terminal = |error: std::io::Error| {
        CliError::new(Exit::Failed, "could not take the screen", error, "use --once, or another terminal")
    };
    // Before the screen, so that a signal never ends the program with the terminal as it is then.
    let signals = StopSignals::listen_with_hangup().map_err(no_terminal)?;
    // Also gives the terminal back when the program panics.
    let terminal = ratatui::try_init().map_err(no_terminal)?;
    let shown = show(common, terminal, signals, no_color).await;
    let restored = ratatui::try_restore().map_err(no_terminal);
    shown.and(restored)
}

async fn show(
    common: &Common,
    mut terminal: DefaultTerminal,
    mut signals: StopSignals,
    no_color: bool,
) -> Result<(), CliError> {
    let failed = |error: std::io::Error| CliError::new(Exit::Failed, "could not show it", error, "use --once");
    let (feed_sender, mut feed) = mpsc::channel(16);
    let following = tokio::spawn(follow((*common.client).clone(), feed_sender));
    let (key_sender, mut keys) = mpsc::channel(16);
    std::thread::spawn(move || read_keyboard(&key_sender));
    let (answer_sender, mut answers) = mpsc::channel(4);
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let has_colours = !no_color && super::super::server_log::colours_are_wanted();
    let server = server_name(common);
    let (mut snapshot, mut state) = (TopSnapshot::default(), ScreenState::default());
    let mut fault = Some("connecting".to_owned());
    let ended = loop {
        let picture =
            TopFrame { snapshot: &snapshot, state: &state, server: &server, fault: fault.as_deref(), has_colours };
        if let Err(error) = terminal.draw(|frame| picture.draw(frame.area(), frame.buffer_mut())) {
            break Err(failed(error));
        }
        tokio::select! {
            () = signals.next() => break Ok(()),
            _ = ticks.tick() => {}
            event = feed.recv() => match event {
                Some(FeedEvent::Received(event)) => {
                    fault = None;
                    if let Err(error) = snapshot.apply(event) {
                        break Err(not_understood(error));
                    }
                }
                Some(FeedEvent::Away(why)) => fault = Some(format!("reconnecting: {why}")),
                Some(FeedEvent::Refused(error)) => break Err(CliError::call("could not follow what happens", error)),
                None => break Ok(()),
            },
            event = keys.recv() => match event {
                Some(Event::Key(key)) if key.kind == KeyEventKind::Press => match state.press(key, &snapshot) {
                    NextStep::Nothing => {}
                    NextStep::Quit => break Ok(()),
                    NextStep::Act(action) => {
                        state.message = format!("{} ...", action.command());
                        let (client, sender) = ((*common.client).clone(), answer_sender.clone());
                        tokio::spawn(async move {
                            let done = match action.call(&client).await {
                                Ok(()) => format!("Done: {}", action.effect()),
                                Err(error) => format!("Not done: {error}"),
                            };
                            // If nobody listens any more, the screen is gone.
                            sender.send(Answered::Done(done)).await.ok();
                        });
                    }
                    NextStep::Explain(subject) => {
                        let (client, sender) = ((*common.client).clone(), answer_sender.clone());
                        tokio::spawn(async move {
                            let lines = why(&client, &subject).await.unwrap_or_else(|error| vec![error.to_string()]);
                            sender.send(Answered::Why(lines)).await.ok();
                        });
                    }
                },
                // Another size is drawn at once.
                Some(_) => {}
                None => break Err(failed(std::io::Error::other("the keyboard is gone"))),
            },
            // This function holds a sender, so that there is always one.
            Some(answer) = answers.recv() => match answer {
                Answered::Done(message) => state.message = message,
                // A question is not covered.
                Answered::Why(lines) if state.overlay == Overlay::Nothing => {
                    state.overlay = Overlay::Text { title: "Why".to_owned(), lines };
                }
                Answered::Why(_) => {}
            },
        }
    };
    following.abort();
    ended
}

/// Sends what is typed, for as long as somebody listens.
fn read_keyboard(events: &mpsc::Sender<Event>) {
    while !events.is_closed() {
        match ratatui::crossterm::event::poll(KEYBOARD_WAIT) {
            Ok(false) => {}
            Ok(true) => match ratatui::crossterm::event::read() {
                Ok(event) => {
                    if events.blocking_send(event).is_err() {
                        return;
                    }
                }
                Err(_) => return,
            },
            Err(_) => return,
        }
    }
}
