//! Which server a command speaks to, and what it proves itself with.

use std::ffi::OsStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use enginehouse_client::{BearerToken, Client, ClientConfig};
use enginehouse_server::config::environment;

/// The variable of the token that every call carries. There is no flag for it: everybody may read the command lines of others.
pub(crate) const TOKEN_VARIABLE: &str = "ENGINEHOUSE_TOKEN";

/// Parses a server's address. What is refused is not echoed as it is: it may hold a password.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ServerAddress;

impl TypedValueParser for ServerAddress {
    type Value = Client;

    fn parse_ref(&self, command: &clap::Command, _: Option<&clap::Arg>, url: &OsStr) -> Result<Client, clap::Error> {
        let token = environment(TOKEN_VARIABLE).filter(|token| !token.is_empty());
        let client = match token.map(|token| BearerToken::new(&token)).transpose() {
            Ok(token) => {
                let config = ClientConfig { token, ..ClientConfig::default() };
                Client::with_config(&url.to_string_lossy(), config).map_err(|error| format!("--url: {error}"))
            }
            Err(error) => Err(format!("{TOKEN_VARIABLE}: {error}")),
        };
        client.map_err(|why| clap::Error::raw(ErrorKind::ValueValidation, format!("{why}\n")).with_cmd(command))
    }
}
