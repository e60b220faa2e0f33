//! Which server a command speaks to, and what it proves itself with.

use std::io::Read;
use std::ops::Deref;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, FromArgMatches};
use enginehouse_client::{BearerToken, Client, ClientCertificate, ClientConfig, ClientTls};
use enginehouse_server::config::environment;

use super::output::note;

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

/// The server that a command speaks to, made of the command line and the environment.
#[derive(Clone, Debug)]
pub(crate) struct ChosenServer(Client);

impl Deref for ChosenServer {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.0
    }
}

impl ServerFlags {
    /// What is refused is not echoed as it is: an address may hold a password.
    fn client(self) -> Result<Client, String> {
        let certificate = match (self.client_cert, self.client_key) {
            (Some(cert), Some(key)) => Some(ClientCertificate { cert, key }),
            (None, None) => None,
            _ => return Err("--client-cert and --client-key go together: set both, or neither".to_owned()),
        };
        let token = token()?;
        let tls = ClientTls { ca: self.tls_ca, certificate };
        let config = ClientConfig { token, tls, ..ClientConfig::default() };
        let client = Client::with_config(&self.url, config).map_err(|error| format!("--url: {error}"))?;
        if client.shows_token() {
            note(
                "warning: the token is sent unencrypted to another machine: whoever is in between can use it; call the server by https://",
            );
        }
        Ok(client)
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
        let client = ServerFlags::from_arg_matches(matches)?.client();
        client.map(Self).map_err(|why| clap::Error::raw(ErrorKind::ValueValidation, format!("{why}\n")))
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
            let token = read_token(&file).and_then(|text| BearerToken::new(&text).map_err(|error| error.to_string()));
            token.map(Some).map_err(|why| format!("{TOKEN_FILE_VARIABLE}: {file}: {why}"))
        }
        (None, None) => Ok(None),
    }
}

/// The text of a file that not everybody must be able to read.
fn read_token(file: &str) -> Result<String, String> {
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
