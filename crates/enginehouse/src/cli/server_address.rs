//! Which server a command speaks to, and what it proves itself with.

use std::io::Read;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{ArgMatches, Args, FromArgMatches};
use enginehouse_client::{BearerToken, Client, ClientCertificate, ClientConfig, ClientTls};
use enginehouse_server::config::environment;

use super::context::file::{ContextFile, ContextName, NamedContext};
use super::output::note;

/// The variable that names a context.
pub(crate) const CONTEXT_VARIABLE: &str = "ENGINEHOUSE_CONTEXT";
/// The variable of the token that every call carries. There is no flag for it: everybody may read the command lines of others.
pub(crate) const TOKEN_VARIABLE: &str = "ENGINEHOUSE_TOKEN";
/// The variable of the file that it is in.
pub(crate) const TOKEN_FILE_VARIABLE: &str = "ENGINEHOUSE_TOKEN_FILE";
/// Most bytes of such a file.
const MAX_TOKEN_FILE: u64 = 4_096;
/// The variables of what TLS is spoken with.
pub(crate) const TLS_CA_VARIABLE: &str = "ENGINEHOUSE_TLS_CA";
pub(crate) const CLIENT_CERT_VARIABLE: &str = "ENGINEHOUSE_CLIENT_CERT";
pub(crate) const CLIENT_KEY_VARIABLE: &str = "ENGINEHOUSE_CLIENT_KEY";

/// What the command line says of the server.
#[derive(Clone, Debug, Args)]
struct ServerFlags {
    /// Where the server is: http://HOST:PORT, https://HOST, unix:/PATH or, for short, HOST:PORT or :PORT
    #[arg(
        long,
        env = "ENGINEHOUSE_URL",
        default_value = "http://127.0.0.1:7420",
        global = true,
        value_name = "URL",
        help_heading = "Server"
    )]
    url: String,
    /// A server by the name that `enginehouse context add` has given it [default: what `enginehouse context use` says]
    #[arg(long, env = CONTEXT_VARIABLE, global = true, value_name = "NAME", help_heading = "Server")]
    context: Option<String>,
    /// Do not ask before a change of a server that is in production
    #[arg(long, global = true, help_heading = "Server")]
    yes: bool,
    /// A file of certificates of CAs, in PEM, to trust besides those that the system trusts
    #[arg(long, env = TLS_CA_VARIABLE, global = true, value_name = "FILE", help_heading = "Server")]
    tls_ca: Option<PathBuf>,
    /// The client's own certificate, in PEM, for a server that knows callers by theirs
    #[arg(long, env = CLIENT_CERT_VARIABLE, global = true, value_name = "FILE", help_heading = "Server")]
    client_cert: Option<PathBuf>,
    /// The key of --client-cert, in PEM
    #[arg(long, env = CLIENT_KEY_VARIABLE, global = true, value_name = "FILE", help_heading = "Server")]
    client_key: Option<PathBuf>,
}

/// The server that a command speaks to, made of the command line, the environment and the context.
#[derive(Clone, Debug)]
pub(crate) struct ChosenServer {
    client: Client,
    /// The context that it is of, if that is in production.
    production: Option<ContextName>,
    yes: bool,
}

impl ChosenServer {
    pub(crate) const fn production(&self) -> Option<&ContextName> {
        self.production.as_ref()
    }

    /// Whether a person has said that nothing is to be asked.
    pub(crate) const fn yes(&self) -> bool {
        self.yes
    }
}

impl Deref for ChosenServer {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl ServerFlags {
    /// What is refused is not echoed as it is: an address may hold a password.
    fn choose(self, named: Named) -> Result<ChosenServer, String> {
        let context = self.chosen_context(named)?;
        let (name, context) = context.map_or((None, NamedContext::default()), |(name, one)| (Some(name), one));
        let url = if name.is_some() { &context.url } else { &self.url };
        let certificate = match (self.client_cert, self.client_key) {
            (None, None) => context.certificate(),
            (cert, key) => pair(cert, key)
                .map_err(|()| "--client-cert and --client-key go together: set both, or neither".to_owned())?,
        };
        let token = token()?.map_or_else(|| context.bearer_token(), |token| Ok(Some(token)));
        let of_context =
            |why: String| name.as_ref().map_or_else(|| why.clone(), |name| format!("context {name}: {why}"));
        let tls = ClientTls { ca: self.tls_ca.or(context.tls_ca), certificate };
        let config = ClientConfig { token: token.map_err(of_context)?, tls, ..ClientConfig::default() };
        let client = Client::with_config(url, config).map_err(|error| match &name {
            Some(name) => format!("context {name}: {error}"),
            None => format!("--url: {error}"),
        })?;
        if client.shows_token() {
            note(
                "warning: the token is sent unencrypted to another machine: whoever is in between can use it; call the server by https://",
            );
        }
        let production = name.filter(|_| context.production);
        Ok(ChosenServer { client, production, yes: self.yes })
    }

    /// The context that names the server, if one does. A context's token and certificate are for its own server, so where something
    /// else names the server, nothing of a context is used.
    fn chosen_context(&self, named: Named) -> Result<Option<(ContextName, NamedContext)>, String> {
        let find = |name: &str| -> Result<_, String> {
            let contexts = ContextFile::of_environment()?.read()?;
            contexts.find(name).map(|(name, one)| Some((name.clone(), one.clone())))
        };
        let name = self.context.as_deref().unwrap_or_default();
        match named {
            Named::Address => Ok(None),
            Named::Context => find(name),
            Named::Both => {
                Err("--url (ENGINEHOUSE_URL) and --context (ENGINEHOUSE_CONTEXT) both name a server: keep one of them"
                    .to_owned())
            }
            Named::Nothing => {
                let Ok(file) = ContextFile::of_environment() else { return Ok(None) };
                let contexts = file.read()?;
                let Some(current) = &contexts.current else { return Ok(None) };
                let (name, one) = contexts.find(&current.to_string())?;
                Ok(Some((name.clone(), one.clone())))
            }
        }
    }
}

/// What names the server: the command line before the environment, and that before the current context.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Named {
    Address,
    Context,
    Both,
    Nothing,
}

impl Named {
    fn of(matches: &ArgMatches) -> Self {
        let rank = |id: &str| {
            let is_empty = matches.get_one::<String>(id).is_none_or(String::is_empty);
            match matches.value_source(id) {
                Some(ValueSource::CommandLine) => 2,
                Some(ValueSource::EnvVariable) if !is_empty => 1,
                _ => 0,
            }
        };
        match (rank("url"), rank("context")) {
            (0, 0) => Self::Nothing,
            (url, context) if url > context => Self::Address,
            (url, context) if url < context => Self::Context,
            _ => Self::Both,
        }
    }
}

/// A certificate and its key, or neither.
pub(crate) fn pair(cert: Option<PathBuf>, key: Option<PathBuf>) -> Result<Option<ClientCertificate>, ()> {
    match (cert, key) {
        (Some(cert), Some(key)) => Ok(Some(ClientCertificate { cert, key })),
        (None, None) => Ok(None),
        _ => Err(()),
    }
}

impl Args for ChosenServer {
    fn augment_args(command: clap::Command) -> clap::Command {
        ServerFlags::augment_args(command)
    }

    fn augment_args_for_update(command: clap::Command) -> clap::Command {
        ServerFlags::augment_args_for_update(command)
    }
}

impl FromArgMatches for ChosenServer {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let chosen = ServerFlags::from_arg_matches(matches)?.choose(Named::of(matches));
        chosen.map_err(|why| clap::Error::raw(ErrorKind::ValueValidation, format!("{why}\n")))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// The token of the environment, if it has one. What is wrong is said without it.
fn token() -> Result<Option<BearerToken>, String> {
    let set = |name| environment(name).filter(|value| !value.is_empty());
    match (set(TOKEN_VARIABLE), set(TOKEN_FILE_VARIABLE)) {
        (Some(_), Some(_)) => Err(format!("{TOKEN_VARIABLE} and {TOKEN_FILE_VARIABLE} are both set: keep one of them")),
        (Some(token), None) => BearerToken::new(&token).map(Some).map_err(|error| format!("{TOKEN_VARIABLE}: {error}")),
        (None, Some(file)) => {
            token_of_file(Path::new(&file)).map(Some).map_err(|why| format!("{TOKEN_FILE_VARIABLE}: {file}: {why}"))
        }
        (None, None) => Ok(None),
    }
}

/// The token of a file.
pub(crate) fn token_of_file(file: &Path) -> Result<BearerToken, String> {
    read_token(file).and_then(|text| BearerToken::new(&text).map_err(|error| error.to_string()))
}

/// The text of a file that not everybody must be able to read.
fn read_token(file: &Path) -> Result<String, String> {
    let cannot = |error: std::io::Error| format!("cannot be read: {error}");
    let mut file = std::fs::File::open(file).map_err(cannot)?;
    let mode = file.metadata().map_err(cannot)?.mode() & 0o777;
    if mode & 0o007 != 0 {
        return Err(format!("everybody can read or write it (mode {mode:03o}): run chmod 600 on it"));
    }
    let mut text = String::new();
    file.by_ref().take(MAX_TOKEN_FILE).read_to_string(&mut text).map_err(cannot)?;
    Ok(text)
}
