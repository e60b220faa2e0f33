//! Coordinates fleets of engines over a durable event queue: server, command line and demo in one binary.

mod cli;
#[cfg(test)]
mod documents;
mod exec_guard;
mod exit_codes;

use std::pin::Pin;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use mimalloc::MiMalloc;

use self::cli::effect::ServerCall;

/// A third of the server's work is small allocations that one thread makes and another frees. The system's allocator is slower
/// at that, and keeps what many waiting claims have taken.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Coordinates fleets of engines over a durable event queue.
#[derive(Debug, Parser)]
#[command(name = "enginehouse", version, max_term_width = 100, after_help = exit_codes::HELP)]
struct Cli {
    #[command(subcommand)]
    command: CliCommand,
}

#[derive(Debug, Subcommand)]
enum CliCommand {
    /// Serve engines and producers over HTTP
    Serve(cli::serve::ServeArgs),
    /// See and control engines, or be one
    Engine(cli::engine::EngineArgs),
    /// Enqueue, see and control events
    Event(cli::event::EventArgs),
    /// See, redrive and discard dead letters
    Dead(cli::dead::DeadArgs),
    /// See, set, pause and resume queues
    Queue(cli::queue::QueueArgs),
    /// See, set, pause and resume event types
    EventType(cli::event_type::EventTypeArgs),
    /// See, pause and resume scenario runs
    Run(cli::scenario_run::RunArgs),
    /// Act on many events, dead letters or engines at once, and see how far it is
    Operation(cli::operation::OperationArgs),
    /// List the events that wait, the worst first, and say why
    Blocked(cli::blocked::BlockedArgs),
    /// List engines and versions that fail more than others do
    Suspects(cli::suspects::SuspectsArgs),
    /// Count what is in the store
    Stats(cli::stats::StatsArgs),
    /// Show how a running server is set up, and what to look after
    System(cli::system::SystemArgs),
    /// Say whether a server is ready
    Health(cli::health::HealthArgs),
    /// Watch the fleet and its work on the whole screen, and act on them
    Top(cli::top::TopArgs),
    /// Measure how much a server takes, and how fast, with a load of its own
    Bench(cli::bench::BenchArgs),
    /// Watch a fleet of engines render a picture, lose one of its engines and recover
    Demo(cli::demo::DemoArgs),
    #[command(hide = true)]
    DemoEngine(cli::demo::DemoEngineArgs),
    /// Make, see, rotate and revoke access tokens
    Token(cli::token::TokenArgs),
    /// See what people did, and verify that nobody has changed the log of it
    Audit(cli::audit::AuditArgs),
    /// Say what database roles may enqueue in SQL
    Sql(cli::sql::SqlArgs),
    /// Keep servers by name, with what it takes to speak to them
    Context(cli::context::ContextArgs),
    /// Show every setting of the server, and where its value comes from
    Config(cli::config::ConfigArgs),
    /// Say that the clock is right after it has leapt, so that retention goes on
    AcceptClock(cli::accept_clock::AcceptClockArgs),
    /// Look at a data file: is it sound, who holds it, how large is it
    Doctor(cli::doctor::DoctorArgs),
    /// Copy a data file consistently, while a server goes on with it
    Backup(cli::backup::BackupArgs),
    /// See, change and export the schema of a store
    Schema(cli::schema::SchemaArgs),
    /// Move a store to another place, or into another kind of store
    Store(cli::store::StoreArgs),
    /// Print the OpenAPI description of the HTTP API
    Openapi(cli::openapi::OpenapiArgs),
    /// Print a completion script for a shell
    Completions(cli::completions::CompletionsArgs),
    /// Write manual pages into a folder
    Man(cli::man::ManArgs),
}

impl CliCommand {
    /// The server that it speaks to, and what it does to it; none for a command that speaks to none, or to one of its own.
    fn call(&self) -> Option<ServerCall<'_>> {
        match self {
            Self::Engine(arguments) => Some(arguments.call()),
            Self::Event(arguments) => Some(arguments.call()),
            Self::Dead(arguments) => Some(arguments.call()),
            Self::Queue(arguments) => Some(arguments.call()),
            Self::EventType(arguments) => Some(arguments.call()),
            Self::Run(arguments) => Some(arguments.call()),
            Self::Operation(arguments) => Some(arguments.call()),
            Self::Blocked(arguments) => Some(arguments.call()),
            Self::Suspects(arguments) => Some(arguments.call()),
            Self::Top(arguments) => Some(arguments.call()),
            Self::Stats(arguments) => Some(arguments.call()),
            Self::System(arguments) => Some(arguments.call()),
            Self::Health(arguments) => Some(arguments.call()),
            Self::Bench(arguments) => Some(arguments.call()),
            Self::AcceptClock(arguments) => Some(arguments.call()),
            Self::Token(arguments) => arguments.call(),
            Self::Audit(arguments) => arguments.call(),
            Self::Serve(_)
            | Self::Demo(_)
            | Self::DemoEngine(_)
            | Self::Context(_)
            | Self::Sql(_)
            | Self::Config(_)
            | Self::Doctor(_)
            | Self::Backup(_)
            | Self::Schema(_)
            | Self::Store(_)
            | Self::Openapi(_)
            | Self::Completions(_)
            | Self::Man(_) => None,
        }
    }
}

fn main() -> ExitCode {
    // Before all else: engines start one for each event.
    exec_guard::run_if_asked().unwrap_or_else(run_command)
}

/// Has no core file written of this process, and lets no other process of its user look into its memory: there are tokens and
/// payloads in it. Root still can.
#[cfg(target_os = "linux")]
fn keep_memory_to_itself() {
    // Nobody could do more about it if the kernel refuses.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable).ok();
}

#[cfg(not(target_os = "linux"))]
fn keep_memory_to_itself() {}

#[tokio::main]
async fn run_command() -> ExitCode {
    keep_memory_to_itself();
    let command = match Cli::try_parse() {
        Ok(Cli { command }) => command,
        Err(error) => return cli::usage_error::show(&error),
    };
    // Boxed: the runtime's code has several copies of the future that it is given here, and this one holds all commands.
    let ended: Pin<Box<dyn Future<Output = ExitCode>>> = Box::pin(run(command));
    ended.await
}

async fn run(command: CliCommand) -> ExitCode {
    // The log of a server has them in its own format.
    if !matches!(command, CliCommand::Serve(_)) {
        for warning in cli::unknown_variables::warnings() {
            cli::output::note(&format!("warning: {warning}"));
        }
    }
    if let Some(call) = command.call()
        && let Err(refused) = call.permit()
    {
        return call.common.finish(Err(refused)).into();
    }
    match command {
        CliCommand::Engine(arguments) => cli::engine::run(arguments).await,
        CliCommand::Event(arguments) => cli::event::run(arguments).await,
        CliCommand::Dead(arguments) => cli::dead::run(arguments).await,
        CliCommand::Queue(arguments) => cli::queue::run(arguments).await,
        CliCommand::Token(arguments) => cli::token::run(arguments).await,
        CliCommand::Audit(arguments) => cli::audit::run(arguments).await,
        CliCommand::Sql(arguments) => cli::sql::run(arguments).await,
        CliCommand::EventType(arguments) => cli::event_type::run(arguments).await,
        CliCommand::Run(arguments) => cli::scenario_run::run(arguments).await,
        CliCommand::Operation(arguments) => cli::operation::run(arguments).await,
        CliCommand::Blocked(arguments) => cli::blocked::run(arguments).await,
        CliCommand::Suspects(arguments) => cli::suspects::run(arguments).await,
        CliCommand::Top(arguments) => cli::top::run(arguments).await,
        CliCommand::Stats(arguments) => cli::stats::run(arguments).await,
        CliCommand::System(arguments) => cli::system::run(arguments).await,
        CliCommand::Health(arguments) => cli::health::run(arguments).await,
        CliCommand::Serve(arguments) => cli::serve::run(arguments).await,
        CliCommand::Bench(arguments) => cli::bench::run(arguments).await,
        CliCommand::Demo(arguments) => return ExitCode::from(cli::demo::run(arguments).await),
        CliCommand::DemoEngine(arguments) => return ExitCode::from(cli::demo::run_engine(arguments).await),
        CliCommand::Context(arguments) => cli::context::run(arguments),
        CliCommand::Config(arguments) => cli::config::run(&arguments),
        CliCommand::AcceptClock(arguments) => cli::accept_clock::run(arguments).await,
        CliCommand::Doctor(arguments) => cli::doctor::run(arguments).await,
        CliCommand::Backup(arguments) => cli::backup::run(arguments).await,
        CliCommand::Schema(arguments) => cli::schema::run(arguments).await,
        CliCommand::Store(arguments) => cli::store::run(arguments).await,
        CliCommand::Openapi(arguments) => cli::openapi::run(&arguments),
        CliCommand::Completions(arguments) => cli::completions::run::<Cli>(&arguments),
        CliCommand::Man(arguments) => cli::man::run::<Cli>(&arguments),
    }
    .into()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::cli::effect::Effect;
    use super::*;

    #[test]
    fn the_command_line_is_sound() {
        Cli::command().debug_assert();
    }

    /// Calls `look` with every command and its name.
    fn each_command(command: &clap::Command, name: &str, look: &mut impl FnMut(&clap::Command, &str)) {
        look(command, name);
        for sub in command.get_subcommands() {
            each_command(sub, &format!("{name} {}", sub.get_name()), look);
        }
    }

    /// Clap wraps prose to the terminal. An example that it wraps, or prose that was wrapped before, looks broken.
    #[test]
    fn help_is_wrapped_once() {
        each_command(&Cli::command(), "enginehouse", &mut |command, name| {
            let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            let mut before = "";
            for line in text.lines() {
                assert!(
                    !line.starts_with("  ") || line.len() <= 78,
                    "{name}: an example has at most 78 columns: {line}"
                );
                let is_prose = |line: &str| !line.is_empty() && !line.starts_with("  ") && !line.ends_with(':');
                assert!(!is_prose(line) || !is_prose(before), "{name}: a paragraph is one line: {before}");
                before = line;
            }
        });
    }

    #[test]
    fn help_shows_defaults() {
        let mut serve = Cli::command();
        let help = serve.find_subcommand_mut("serve").unwrap().render_long_help().to_string();
        // However its lines are broken.
        let words = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for default in ["[default: 127.0.0.1:7420]", "[default: 30]", "[default: sqlite://enginehouse.db]"] {
            assert!(words.contains(default), "{default}: {help}");
        }
        // Nothing stands there for one that has none.
        assert!(!help.contains("[default: ]"), "{help}");
    }

    /// What a command does not use is not among its options.
    #[test]
    fn help_lists_only_what_a_command_uses() {
        each_command(&Cli::command(), "enginehouse", &mut |command, name| {
            let has = |id: &str| command.get_arguments().any(|argument| argument.get_id() == id);
            let of_stores =
                ["doctor", "backup", "schema", "store", "serve", "config", "openapi", "completions", "man", "sql"];
            let is_about_stores = of_stores.iter().any(|noun| name.starts_with(&format!("enginehouse {noun}")));
            assert!(!is_about_stores || !has("url"), "{name} needs no server");
            for option in ["columns", "watch", "cursor"] {
                assert!(
                    !has(option)
                        || name.ends_with("list")
                        || name.ends_with("conflicts")
                        || name.ends_with("summary")
                        || name.ends_with("stats")
                        || name.ends_with("blocked"),
                    "{name} --{option}"
                );
            }
        });
    }

    /// One thing has one name: a flag of one command and a setting of the server.
    #[test]
    fn an_option_is_spelled_the_same_everywhere() {
        let mut flags = std::collections::BTreeSet::new();
        each_command(&Cli::command(), "enginehouse", &mut |command, _| {
            flags.extend(command.get_arguments().filter_map(|argument| argument.get_long().map(str::to_owned)));
        });
        for (part, want) in [
            ("delay-initial", "retry-delay-initial"),
            ("multiplier", "retry-delay-multiplier"),
            ("jitter", "retry-delay-jitter"),
            ("delay-max", "retry-delay-max"),
        ] {
            let spelled: Vec<_> = flags.iter().filter(|flag| flag.contains(part)).collect();
            assert_eq!(spelled, [want]);
        }
    }

    /// One command line for each command that speaks to a server, by whether it changes anything there.
    const READING: &[&str] = &[
        "engine list",
        "engine show e",
        "engine explain e",
        "event list",
        "event show ID",
        "event explain ID",
        "event log ID",
        "event wait ID",
        "event cancel --all --dry-run",
        "event retry --all --dry-run",
        "dead list",
        "dead show ID",
        "dead summary",
        "dead redrive --all --dry-run",
        "dead discard --all --dry-run",
        "queue list",
        "queue show q",
        "event-type list",
        "event-type show t",
        "run list",
        "run show r",
        "operation preview --action cancel_events --filter queue:a",
        "operation list",
        "operation show ID",
        "operation conflicts ID",
        "operation wait ID",
        "blocked",
        "suspects",
        "top --once",
        "stats",
        "system",
        "health",
        "token list",
        "token show t",
        "audit list",
        "audit export",
        "audit verify",
    ];
    const CHANGING: &[&str] = &[
        "engine drain e",
        "engine resume e",
        "engine quarantine e --reason slow --until 1h",
        "engine lift e",
        "engine deregister e",
        "engine run --event-type t -- true",
        "event enqueue t",
        "event cancel ID",
        "event cancel --all --yes",
        "event retry ID",
        "event set ID --priority 1",
        "event redrive ID",
        "event release-key k",
        "dead redrive ID",
        "dead redrive --all",
        "dead discard ID",
        "queue set q --max-retries 1",
        "queue delete q",
        "queue pause q",
        "queue resume q",
        "event-type set t --max-retries 1",
        "event-type delete t",
        "event-type pause t",
        "event-type resume t",
        "run pause r --reason slow",
        "run cancel r --force --reason wrong",
        "run resume r",
        "operation create --action drain_engines --all",
        "operation cancel ID",
        "bench",
        "accept-clock",
        "token create t --role viewer",
        "token rotate t",
        "token revoke t",
    ];

    #[test]
    fn every_command_says_whether_it_changes_anything() {
        let mut speaking = std::collections::BTreeSet::new();
        let mut command = Cli::command();
        command.build();
        each_command(&command, "enginehouse", &mut |command, name| {
            let speaks = command.get_arguments().any(|argument| argument.get_id() == "context");
            if speaks && !command.has_subcommands() && !name.contains(" help") {
                speaking.insert(name.to_owned());
            }
        });
        let mut tried = std::collections::BTreeSet::new();
        let all = [(READING, Effect::Reads), (CHANGING, Effect::Changes)];
        for (line, effect) in all.iter().flat_map(|(lines, effect)| lines.iter().map(move |line| (line, effect))) {
            let line = format!("enginehouse {}", line.replace("ID", "0193f2a0-0000-7000-8000-000000000000"));
            let Cli { command } =
                Cli::try_parse_from(line.split(' ')).unwrap_or_else(|error| panic!("{line}: {error}"));
            assert_eq!(command.call().map(|call| call.effect), Some(*effect), "{line}");
            tried.extend(speaking.iter().find(|name| line.starts_with(&format!("{name} ")) || line == **name).cloned());
        }
        assert_eq!(tried, speaking);
        // With the store itself, no server is changed.
        let offline = Cli::try_parse_from(["enginehouse", "token", "list", "--store", "sqlite://a.db"]).unwrap();
        assert!(offline.command.call().is_none());
    }

    #[test]
    fn hidden_commands_are_not_completed() {
        let visible = cli::completions::visible(Cli::command());
        assert!(visible.get_subcommands().any(|command| command.get_name() == "demo"));
        assert!(visible.get_subcommands().all(|command| command.get_name() != "demo-engine"));
    }
}
