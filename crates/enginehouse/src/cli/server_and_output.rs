//! What the commands that speak to a server have in common.

use std::fmt::Display;
use std::io::{BufRead, IsTerminal, Write};
use std::ops::Deref;
use std::str::FromStr;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use enginehouse_core::ids::EventId;
use strum::VariantArray;

use super::cli_error::CliError;
use super::server_address::ChosenServer;
use crate::exit_codes::Exit;

/// Where the server is, and how to show what it answers.
#[derive(Clone, Debug, Args)]
pub(crate) struct Common {
    #[command(flatten)]
    pub(crate) client: ChosenServer,
    #[command(flatten)]
    output: OutputArgs,
}

impl Deref for Common {
    type Target = OutputArgs;

    fn deref(&self) -> &OutputArgs {
        &self.output
    }
}

/// How to show answers.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputArgs {
    /// How to show answers
    #[arg(short, long, value_enum, default_value_t, global = true, value_name = "FORMAT", help_heading = "Output")]
    pub(crate) output: OutputFormat,
    /// Show nothing but ids: short for -o name
    #[arg(short, long, global = true, help_heading = "Output")]
    pub(crate) quiet: bool,
}

/// How to show answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum OutputFormat {
    /// For people
    #[default]
    Table,
    /// For people, with all columns, however wide
    Wide,
    /// What the API answers
    Json,
    /// One JSON object a line
    Jsonl,
    /// What the API answers, as YAML
    Yaml,
    /// Nothing but ids, one a line
    Name,
}

impl OutputFormat {
    /// Whether it is laid out for people.
    pub(crate) const fn is_table(self) -> bool {
        matches!(self, Self::Table | Self::Wide)
    }

    /// Whether an error is a document, and not lines for people.
    pub(crate) const fn is_document(self) -> bool {
        matches!(self, Self::Json | Self::Jsonl | Self::Yaml)
    }
}

impl OutputArgs {
    /// Shows what went wrong, and says so with the exit status.
    pub(crate) fn finish(&self, result: Result<(), CliError>) -> Exit {
        let Err(error) = result else { return Exit::Done };
        self.show_error(&error);
        error.exit
    }

    /// Shows what went wrong: lines for people, or a JSON document, which is YAML, too.
    pub(crate) fn show_error(&self, error: &CliError) {
        error.show(self.output.is_document());
    }

    /// How to show answers.
    pub(crate) fn format(&self) -> OutputFormat {
        if self.quiet { OutputFormat::Name } else { self.output }
    }
}

/// Asks before something that cannot be taken back. Off a terminal, `--yes` has to say it.
pub(crate) fn confirm(question: &str, yes: bool) -> Result<(), CliError> {
    if yes {
        return Ok(());
    }
    let refused = |why: &str| CliError::new(Exit::Refused, "nothing was done", why, "say --yes if you mean it");
    if !std::io::stdin().is_terminal() || !std::io::stderr().is_terminal() {
        return Err(refused(&format!("{question} cannot be asked: this is no terminal")));
    }
    let mut error_stream = std::io::stderr();
    let mut answer = String::new();
    write!(error_stream, "{question} [y/N] ")
        .and_then(|()| error_stream.flush())
        .and_then(|()| std::io::stdin().lock().read_line(&mut answer))
        .map_err(|error| refused(&error.to_string()))?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(refused("the answer was not yes")) }
}

/// Parses one of the words of an enum, and offers them all in help and completions.
pub(crate) fn words<T>() -> impl TypedValueParser<Value = T>
where
    T: VariantArray + Copy + FromStr + Into<&'static str> + Clone + Send + Sync,
{
    let names = T::VARIANTS.iter().map(|variant| -> &'static str { (*variant).into() });
    PossibleValuesParser::new(names)
        .try_map(|word| word.parse::<T>().map_err(|_| std::io::Error::other("not one of these words")))
}

/// Does the same for each id, goes on after an error, and answers with the last one.
pub(crate) async fn for_each<I: Display>(
    ids: &[I],
    mut one: impl AsyncFnMut(&I) -> Result<(), CliError>,
    common: &Common,
) -> Result<(), CliError> {
    let mut done = 0;
    let mut errors = Vec::new();
    for id in ids {
        match one(id).await {
            Ok(()) => done += 1,
            Err(error) => errors.push(error),
        }
    }
    let Some(last) = errors.pop() else { return Ok(()) };
    for error in &errors {
        common.show_error(error);
    }
    Err(if done == 0 { last } else { CliError { exit: Exit::Partly, ..last } })
}

/// Parses an event's id.
pub(crate) fn event_id(text: &str) -> Result<EventId, String> {
    text.parse().map_err(|_| "an event id looks like 0193f2a0-0000-7000-8000-000000000000".to_owned())
}
