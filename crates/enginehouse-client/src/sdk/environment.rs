//! Which server an engine speaks to, and what it proves itself with, from the variables that the command line reads too.

use std::path::PathBuf;

use crate::bearer_token::BearerToken;
use crate::calls::Client;
use crate::tls::{ClientCertificate, ClientTls};
use crate::transport::ClientConfig;

/// Where a server is unless something names another place.
const DEFAULT_URL: &str = "http://127.0.0.1:7420";
/// Most bytes of a file with a token.
const MAX_TOKEN_FILE: usize = 4_096;

/// A variable that cannot be used, and why.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct EnvironmentError(String);

impl Client {
    /// A client of the server that the environment names:
    ///
    /// - `ENGINEHOUSE_URL`, or else `http://127.0.0.1:7420`;
    /// - `ENGINEHOUSE_TOKEN_FILE`, a file with the token, or `ENGINEHOUSE_TOKEN`; the file counts if both are set;
    /// - `ENGINEHOUSE_TLS_CA`, `ENGINEHOUSE_CLIENT_CERT`, `ENGINEHOUSE_CLIENT_KEY`: files in PEM.
    ///
    /// # Errors
    /// One of them names what cannot be used.
    pub fn from_environment() -> Result<Self, EnvironmentError> {
        Self::from_variables(variable)
    }

    fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, EnvironmentError> {
        let invalid = |name: &str, why: &dyn std::fmt::Display| EnvironmentError(format!("{name}: {why}"));
        let token = match variable("ENGINEHOUSE_TOKEN_FILE") {
            Some(file) => {
                let text = std::fs::read_to_string(&file).map_err(|error| format!("{file} cannot be read: {error}"));
                let text = text.and_then(|text| match text.len() {
                    0..=MAX_TOKEN_FILE => Ok(text),
                    _ => Err(format!("{file} is too large to be a token")),
                });
                Some(text.and_then(|text| BearerToken::new(&text).map_err(|error| format!("{file}: {error}"))))
                    .map(|token| token.map_err(|why| invalid("ENGINEHOUSE_TOKEN_FILE", &why)))
            }
            None => variable("ENGINEHOUSE_TOKEN")
                .map(|text| BearerToken::new(&text).map_err(|error| invalid("ENGINEHOUSE_TOKEN", &error))),
        };
        let file = |name| variable(name).map(PathBuf::from);
        let certificate = match (file("ENGINEHOUSE_CLIENT_CERT"), file("ENGINEHOUSE_CLIENT_KEY")) {
            (Some(cert), Some(key)) => Some(ClientCertificate { cert, key }),
            (None, None) => None,
            _ => {
                let why = "ENGINEHOUSE_CLIENT_CERT and ENGINEHOUSE_CLIENT_KEY go together: set both, or neither";
                return Err(EnvironmentError(why.to_owned()));
            }
        };
        let tls = ClientTls { ca: file("ENGINEHOUSE_TLS_CA"), certificate };
        let config = ClientConfig { token: token.transpose()?, tls, ..ClientConfig::default() };
        let url = variable("ENGINEHOUSE_URL").unwrap_or_else(|| DEFAULT_URL.to_owned());
        Self::with_config(&url, config).map_err(|error| invalid("ENGINEHOUSE_URL", &error))
    }
}

/// A variable that is set to something.
#[expect(clippy::disallowed_methods, reason = "a program that names no server is set up by its environment")]
pub(super) fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(variables: &[(&str, &str)]) -> Result<Client, String> {
        let find = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
        Client::from_variables(find).map_err(|error| error.to_string())
    }

    #[test]
    fn a_server_is_named_by_the_environment() {
        assert_eq!(client(&[]).unwrap().url(), DEFAULT_URL);
        assert_eq!(client(&[("ENGINEHOUSE_URL", ":8000")]).unwrap().url(), "http://127.0.0.1:8000");
        for (name, value, why) in [
            ("ENGINEHOUSE_URL", "ftp://x", "ENGINEHOUSE_URL: "),
            ("ENGINEHOUSE_TOKEN", "two words", "ENGINEHOUSE_TOKEN: a token is one word"),
            (
                "ENGINEHOUSE_TOKEN_FILE",
                "/nonexistent/token",
                "ENGINEHOUSE_TOKEN_FILE: /nonexistent/token cannot be read",
            ),
            ("ENGINEHOUSE_CLIENT_CERT", "cert.pem", "ENGINEHOUSE_CLIENT_CERT and ENGINEHOUSE_CLIENT_KEY go together"),
        ] {
            let error = client(&[(name, value)]).unwrap_err();
            assert!(error.starts_with(why), "{error}");
        }
    }
}
