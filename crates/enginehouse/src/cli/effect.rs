//! What a command does to the server that it speaks to, and the question before a change of a server that is in production.
//!
//! Each command says so in its `call`, by a match over all of its verbs: one that says nothing does not compile.

use super::cli_error::CliError;
use super::server_and_output::{Common, confirm};
use super::terminal_text::one_line;

/// The longest part of a command line that a question repeats.
const MAX_SHOWN: usize = 200;

/// Whether a command changes anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// It looks, and does nothing.
    Reads,
    /// It changes something, or may.
    Changes,
}

impl Effect {
    /// That of a command that only shows what it would do if it is asked to.
    pub(crate) const fn unless(is_preview: bool) -> Self {
        if is_preview { Self::Reads } else { Self::Changes }
    }
}

/// A command that speaks to a server.
pub(crate) struct ServerCall<'a> {
    pub(crate) common: &'a Common,
    pub(crate) effect: Effect,
}

impl ServerCall<'_> {
    /// Asks before a change of a server in production. Off a terminal, `--yes` has to say it.
    pub(crate) fn permit(&self) -> Result<(), CliError> {
        let Some(context) = self.common.client.production() else { return Ok(()) };
        if self.effect == Effect::Reads {
            return Ok(());
        }
        let question = format!(
            "Context {context} ({}) is production. Go on with `{}`?",
            one_line(self.common.client.url()),
            command_line(std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()))
        );
        confirm(&question, self.common.client.yes())
    }
}

/// What was typed, in one line and not too long.
fn command_line(arguments: impl Iterator<Item = String>) -> String {
    let words: Vec<_> = std::iter::once("enginehouse".to_owned()).chain(arguments.skip(1)).collect();
    let mut line = one_line(&words.join(" ")).into_owned();
    if let Some((end, _)) = line.char_indices().nth(MAX_SHOWN) {
        line.truncate(end);
        line.push('…');
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_repeats_a_command_in_one_short_line() {
        let line = |words: &[&str]| command_line(words.iter().map(|word| (*word).to_owned()));
        assert_eq!(line(&["/usr/bin/enginehouse", "queue", "pause", "eu"]), "enginehouse queue pause eu");
        let long = line(&["x", "event", "enqueue", "render", &"p".repeat(5_000)]);
        assert!(long.chars().count() == MAX_SHOWN + 1 && long.ends_with('…'), "{long}");
        assert!(!line(&["x", "a\nb\u{1b}[2J"]).contains(['\n', '\u{1b}']));
    }
}
