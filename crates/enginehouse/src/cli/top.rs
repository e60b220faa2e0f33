//! `enginehouse top`: the fleet and its work on the whole screen, as they change.

mod action;
mod draw;
mod feed;
mod keys;
mod rows;
mod screen;
mod server;
mod snapshot;
#[cfg(test)]
mod tests;
mod why;

use std::io::{IsTerminal, Write};
use std::time::Duration;

use clap::Args;
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;

use self::draw::TopFrame;
use self::keys::ScreenState;
use self::rows::Tab;
use self::server::{not_understood, server_name};
use self::snapshot::{TOPICS, TopSnapshot};
use super::cli_error::{CliError, written};
use super::effect::{Effect, ServerCall};
use super::server_and_output::{Common, OutputFormat};
use crate::exit_codes::Exit;

/// Watch the fleet, queues and scenario runs on the whole screen, and act on them.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  enginehouse top
  enginehouse top --once | less

NO_COLOR takes the colours away. What is changed from the screen is asked about first.")]
pub(crate) struct TopArgs {
    #[command(flatten)]
    common: Common,
    /// Print all lists once, as text
    #[arg(long)]
    once: bool,
    /// Show no colours
    #[arg(long)]
    no_color: bool,
}

/// How long `--once` waits for the first of every topic.
const PATIENCE: Duration = Duration::from_secs(30);
/// The width of what is no terminal.
const PLAIN_WIDTH: u16 = 120;

impl TopArgs {
    /// It looks; what is changed from the screen is asked about there.
    pub(crate) const fn call(&self) -> ServerCall<'_> {
        ServerCall { common: &self.common, effect: Effect::Reads }
    }
}

pub(crate) async fn run(arguments: TopArgs) -> Exit {
    let TopArgs { common, once, no_color } = arguments;
    let result = if common.format() != OutputFormat::Table {
        Err(CliError::new(
            Exit::Invalid,
            "nothing was shown",
            "it is for people",
            "for programs there are `enginehouse stats`, `enginehouse engine list` and GET /v1/stream",
        ))
    } else if once {
        print_once(&common).await
    } else if std::io::stdin().is_terminal() && std::io::stdout().is_terminal() {
        screen::run(&common, no_color).await
    } else {
        Err(CliError::new(
            Exit::Invalid,
            "nothing was shown",
            "this is no terminal",
            "add --once for one picture as text, or use `enginehouse stats --watch`",
        ))
    };
    common.finish(result)
}

async fn print_once(common: &Common) -> Result<(), CliError> {
    let failed = |error| CliError::call("could not follow what happens", error);
    let mut snapshot = TopSnapshot::default();
    let fill = async {
        let mut stream = common.client.follow(&TOPICS).await.map_err(failed)?;
        while !snapshot.is_whole() {
            let Some(event) = stream.next().await.map_err(failed)? else {
                return Err(CliError::new(Exit::Unreachable, "nothing was shown", "the server stops", "try again"));
            };
            snapshot.apply(event).map_err(not_understood)?;
        }
        Ok(())
    };
    tokio::time::timeout(PATIENCE, fill).await.unwrap_or_else(|_| {
        let why = format!("the server did not tell of everything within {} s", PATIENCE.as_secs());
        Err(CliError::new(Exit::Timeout, "nothing was shown", why, "try again; see the server's log"))
    })?;
    let width = terminal_size::terminal_size_of(std::io::stdout()).map_or(PLAIN_WIDTH, |(width, _)| width.0.max(80));
    let server = server_name(common);
    let mut out = std::io::stdout().lock();
    for (place, tab) in Tab::ALL.into_iter().enumerate() {
        let state = ScreenState { tab, ..ScreenState::default() };
        let picture = TopFrame { snapshot: &snapshot, state: &state, server: &server, fault: None, has_colours: false };
        // The head once, and the foot never.
        let lines = picture.text(width);
        let from = if place == 0 { 0 } else { draw::HEAD };
        let to = lines.len() - usize::from(draw::BELOW);
        written(lines[from..to].iter().try_for_each(|line| writeln!(out, "{line}")))?;
        written(writeln!(out))?;
    }
    written(out.flush())
}

impl TopFrame<'_> {
    /// The lines of a picture that is as high as it takes, without blanks at their ends.
    fn text(&self, width: u16) -> Vec<String> {
        let area = Rect::new(0, 0, width, self.height());
        let mut buffer = Buffer::empty(area);
        self.draw(area, &mut buffer);
        text_of(&buffer)
    }
}

/// What a buffer shows, line by line.
fn text_of(buffer: &Buffer) -> Vec<String> {
    let area = buffer.area;
    (area.top()..area.bottom())
        .map(|y| {
            let line: String = (area.left()..area.right()).map(|x| buffer[(x, y)].symbol()).collect();
            line.trim_end().to_owned()
        })
        .collect()
}
