//! `enginehouse context`: servers by name, with what it takes to speak to them, for people.

pub(crate) mod file;

use std::io::{IsTerminal, Read};
use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use enginehouse_client::{BearerToken, Client, ClientCertificate, ClientConfig, ClientTls};
use serde::Serialize;

use self::file::{ContextFile, ContextName, Contexts, KeptToken, NamedContext};
use super::cli_error::CliError;
use super::output::{Listed, note, one, or_dash, whole_list};
use super::server_address::{pair, token_of_file};
use super::server_and_output::OutputArgs;
use super::times::{TimeFormat, Times};
use crate::exit_codes::Exit;

/// Most bytes of a token on stdin.
const MAX_TOKEN: u64 = 4_096;

#[derive(Debug, Args)]
pub(crate) struct ContextArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(subcommand)]
    verb: ContextCommand,
}

#[derive(Debug, Subcommand)]
enum ContextCommand {
    /// Give a server a name, and keep what it takes to speak to it
    #[command(after_help = "\
Examples:
  enginehouse context add prod --url https://queue.example.org \\
    --token-file ~/.config/enginehouse/prod.token --production
  enginehouse context add staging --url https://staging.example.org \\
    --token-stdin --use < staging.token")]
    Add(Box<AddContextArgs>),
    /// List contexts
    #[command(alias = "ls")]
    List,
    /// Have commands use a context from now on, if none is named
    Use {
        /// Its name
        name: String,
    },
    /// Show a context, without its token
    Show {
        /// Its name; the current one if none is given
        name: Option<String>,
    },
    /// Forget contexts, with the tokens that are kept in them
    #[command(alias = "rm")]
    Remove {
        /// Their names
        #[arg(required = true)]
        names: Vec<String>,
    },
}

#[derive(Debug, Args)]
#[command(group = ArgGroup::new("token").args(["token_file", "token_stdin"]))]
struct AddContextArgs {
    /// What it is to be called
    name: ContextName,
    /// Where the server is: http://HOST:PORT, https://HOST, unix:/PATH or, for short, HOST:PORT or :PORT
    #[arg(long, value_name = "URL")]
    url: String,
    /// The file that the token is in; it is read anew by each command
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
    /// Read the token from stdin, and keep it with the context
    #[arg(long)]
    token_stdin: bool,
    /// A file of certificates of CAs, in PEM, to trust besides those that the system trusts
    #[arg(long, value_name = "FILE")]
    tls_ca: Option<PathBuf>,
    /// The client's own certificate, in PEM, for a server that knows callers by theirs
    #[arg(long, value_name = "FILE", requires = "client_key")]
    client_cert: Option<PathBuf>,
    /// The key of --client-cert, in PEM
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    client_key: Option<PathBuf>,
    /// Ask before each change; off a terminal, refuse one without --yes
    #[arg(long)]
    production: bool,
    /// Have commands use it from now on
    #[arg(long = "use")]
    is_current: bool,
    /// Take the place of the context that has this name
    #[arg(long)]
    replace: bool,
}

pub(crate) fn run(arguments: ContextArgs) -> Exit {
    let ContextArgs { output, verb } = arguments;
    let result = match verb {
        ContextCommand::Add(arguments) => add(&output, *arguments),
        ContextCommand::List => list(&output),
        ContextCommand::Use { name } => choose(&output, &name),
        ContextCommand::Show { name } => show(&output, name.as_deref()),
        ContextCommand::Remove { names } => remove(&output, &names),
    };
    output.finish(result)
}

impl NamedContext {
    /// The token that it has, or whose file it names.
    pub(crate) fn bearer_token(&self) -> Result<Option<BearerToken>, String> {
        let kept = self.token.as_ref().map(|KeptToken(text)| BearerToken::new(text).map_err(|error| error.to_string()));
        let of_file = || {
            self.token_file.as_ref().map(|file| token_of_file(file).map_err(|why| format!("{}: {why}", file.display())))
        };
        kept.or_else(of_file).transpose()
    }

    /// The certificate that it names. Who made the context has named both files, or neither.
    pub(crate) fn certificate(&self) -> Option<ClientCertificate> {
        pair(self.client_cert.clone(), self.client_key.clone()).ok().flatten()
    }

    /// Its token, without the secret.
    fn token_in_words(&self) -> Option<String> {
        let kept = self.token.as_ref().map(|KeptToken(text)| {
            let accessor =
                text.strip_prefix("eh1_").and_then(|rest| rest.split_once('_')).map(|(accessor, _)| accessor);
            accessor.map_or_else(|| "kept here".to_owned(), |accessor| format!("kept here, accessor {accessor}"))
        });
        kept.or_else(|| self.token_file.as_ref().map(|file| format!("in {}", file.display())))
    }
}

fn add(output: &OutputArgs, arguments: AddContextArgs) -> Result<(), CliError> {
    let invalid =
        |why: String| CliError::new(Exit::Invalid, "no context was made", why, "correct what the message names");
    let AddContextArgs { name, url, is_current, replace, .. } = &arguments;
    let absolute = |file: &Option<PathBuf>| file.as_ref().map(std::path::absolute).transpose();
    let files = [&arguments.token_file, &arguments.tls_ca, &arguments.client_cert, &arguments.client_key].map(absolute);
    let [token_file, tls_ca, client_cert, client_key] =
        files.map(|file| file.map_err(|error| invalid(format!("a file has no name: {error}"))));
    let context = NamedContext {
        url: url.clone(),
        token_file: token_file?,
        token: if arguments.token_stdin { Some(token_of_stdin().map_err(invalid)?) } else { None },
        tls_ca: tls_ca?,
        client_cert: client_cert?,
        client_key: client_key?,
        production: arguments.production,
    };
    // All that can be wrong is found out now, and not by the first command.
    let token = context.bearer_token().map_err(invalid)?;
    let tls = ClientTls { ca: context.tls_ca.clone(), certificate: context.certificate() };
    let client = Client::with_config(url, ClientConfig { token, tls, ..ClientConfig::default() });
    if client.map_err(|error| invalid(error.to_string()))?.shows_token() {
        note(
            "warning: the token will be sent unencrypted to another machine: name the server by https:// if it speaks TLS",
        );
    }
    let file = context_file()?;
    let is_taken = std::cell::Cell::new(false);
    let changed = file.change(|contexts| {
        if !replace && contexts.contexts.contains_key(name) {
            is_taken.set(true);
            return Err(format!("there is a context {name} already"));
        }
        contexts.contexts.insert(name.clone(), context.clone());
        if *is_current {
            contexts.current = Some(name.clone());
        }
        Ok(contexts.current.clone())
    });
    let current = changed.map_err(|why| match is_taken.get() {
        true => CliError::new(Exit::Conflict, "no context was made", why, "say --replace to have this one instead"),
        false => failed(why),
    })?;
    show_one(output, name, &context, current.as_ref() == Some(name))?;
    if current.as_ref() != Some(name) {
        note(&format!("use it with --context {name}, or from now on with `enginehouse context use {name}`"));
    }
    Ok(())
}

/// The token on stdin. It is not asked for: what is typed at a question is seen by whoever stands behind.
fn token_of_stdin() -> Result<KeptToken, String> {
    if std::io::stdin().is_terminal() {
        return Err("stdin is a terminal, which would show the token: give it with `< FILE` or a pipe".to_owned());
    }
    let mut text = String::new();
    let read = std::io::stdin().lock().take(MAX_TOKEN).read_to_string(&mut text);
    read.map_err(|error| format!("stdin cannot be read: {error}"))?;
    let text = text.trim().to_owned();
    BearerToken::new(&text).map_err(|error| format!("stdin: {error}"))?;
    Ok(KeptToken(text))
}

fn list(output: &OutputArgs) -> Result<(), CliError> {
    let Contexts { current, contexts } = context_file()?.read().map_err(failed)?;
    let items = contexts.into_iter().map(|(name, one)| ShownContext::new(&name, &one, current.as_ref() == Some(&name)));
    whole_list(output, &Times::new(TimeFormat::Relative), items.collect())
}

fn choose(output: &OutputArgs, name: &str) -> Result<(), CliError> {
    let changed = context_file()?.change(|contexts| {
        let (name, one) = contexts.find(name)?;
        let found = (name.clone(), one.clone());
        contexts.current = Some(found.0.clone());
        Ok(found)
    });
    let (name, context) = changed.map_err(failed)?;
    show_one(output, &name, &context, true)
}

fn show(output: &OutputArgs, name: Option<&str>) -> Result<(), CliError> {
    let contexts = context_file()?.read().map_err(failed)?;
    let current = contexts.current.as_ref().map(ToString::to_string);
    let name = name.or(current.as_deref()).ok_or_else(|| failed("no context is the current one".to_owned()))?;
    let (name, context) = contexts.find(name).map_err(failed)?;
    show_one(output, name, context, contexts.current.as_ref() == Some(name))
}

fn remove(output: &OutputArgs, names: &[String]) -> Result<(), CliError> {
    let removed = context_file()?.change(|contexts| {
        let mut removed = Vec::new();
        for name in names {
            let name = contexts.find(name)?.0.clone();
            contexts.contexts.remove(&name);
            contexts.current.take_if(|current| *current == name);
            removed.push(name);
        }
        Ok(removed)
    });
    let removed = removed.map_err(failed)?;
    for name in removed {
        let document = serde_json::json!({ "name": name, "removed": true });
        one(output, &document, &name.to_string(), &[(&name.to_string(), "removed".to_owned())])?;
    }
    Ok(())
}

fn context_file() -> Result<ContextFile, CliError> {
    ContextFile::of_environment().map_err(failed)
}

fn failed(why: String) -> CliError {
    let exit = if why.starts_with("there is no context") { Exit::NotFound } else { Exit::Failed };
    CliError::new(exit, "nothing was done", why, "`enginehouse context list` shows the contexts")
}

/// A context as it is shown.
#[derive(Debug, Serialize)]
struct ShownContext {
    name: String,
    url: String,
    current: bool,
    production: bool,
    /// Where the token is.
    token: Option<String>,
    tls_ca: Option<PathBuf>,
    client_cert: Option<PathBuf>,
}

impl ShownContext {
    fn new(name: &ContextName, context: &NamedContext, current: bool) -> Self {
        Self {
            name: name.to_string(),
            url: context.url.clone(),
            current,
            production: context.production,
            token: context.token_in_words(),
            tls_ca: context.tls_ca.clone(),
            client_cert: context.client_cert.clone(),
        }
    }
}

fn yes_or_no(truth: bool) -> String {
    if truth { "yes" } else { "no" }.to_owned()
}

fn show_one(output: &OutputArgs, name: &ContextName, context: &NamedContext, current: bool) -> Result<(), CliError> {
    let shown = ShownContext::new(name, context, current);
    let file = |file: &Option<PathBuf>| or_dash(file.as_ref().map(|file| file.display()).as_ref());
    let fields = [
        ("name", shown.name.clone()),
        ("url", shown.url.clone()),
        ("current", yes_or_no(current)),
        ("production", yes_or_no(shown.production)),
        ("token", or_dash(shown.token.as_ref())),
        ("tls ca", file(&shown.tls_ca)),
        ("client cert", file(&shown.client_cert)),
    ];
    one(output, &shown, &shown.name, &fields)
}

impl Listed for ShownContext {
    const HEADER: &'static [&'static str] = &["NAME", "URL", "CURRENT", "PRODUCTION", "TOKEN"];

    fn row(&self, _times: &Times) -> Vec<String> {
        vec![
            self.name.clone(),
            self.url.clone(),
            yes_or_no(self.current),
            yes_or_no(self.production),
            or_dash(self.token.as_ref()),
        ]
    }

    fn id(&self) -> String {
        self.name.clone()
    }
}
