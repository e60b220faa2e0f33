//! What a server has to have before other machines may reach it.

use super::listen_address::ListenAddress;

/// What keeps others from a server, and what its operator says to do without.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fences {
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whether callers have to show a token.
    pub tokens: bool,
    /// The operator says that something in front of it does TLS.
    pub insecure_transport: bool,
    /// The operator says that everybody who reaches it may do everything.
    pub insecure: bool,
}

/// Others can reach an address, and what should keep them from doing harm is missing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{listen} can be reached by other machines, and {missing}")]
pub struct Unfenced {
    listen: ListenAddress,
    missing: &'static str,
}

impl Unfenced {
    /// The ways out.
    pub const ADVICE: &str = "listen on 127.0.0.1 or unix:/PATH (this machine alone); or have both TLS (--tls-cert, --tls-key) and a token; or, if a proxy does TLS, a token \
                              and --insecure-transport; or say --insecure if whoever can reach the port may do everything";
}

impl Fences {
    /// Whether a server may listen there. Off loopback it needs TLS and tokens, unless its operator says otherwise.
    ///
    /// # Errors
    /// It must not, and what is missing.
    pub fn check(self, listen: &ListenAddress) -> Result<(), Unfenced> {
        if self.insecure || listen.is_near() {
            return Ok(());
        }
        let missing = match (self.tls || self.insecure_transport, self.tokens) {
            (true, true) => return Ok(()),
            (true, false) => "nobody has to show a token",
            (false, true) => "nothing that is sent there is encrypted, tokens included",
            (false, false) => "nobody has to show a token, and nothing that is sent there is encrypted",
        };
        Err(Unfenced { listen: listen.clone(), missing })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `given` lists what is there: `tls`, `tokens`, `insecure-transport`, `insecure`.
    #[track_caller]
    fn check(listen: &str, given: &str, want: &str) {
        let has = |word: &str| given.split(' ').any(|given| given == word);
        let fences = Fences {
            tls: has("tls"),
            tokens: has("tokens"),
            insecure_transport: has("insecure-transport"),
            insecure: has("insecure"),
        };
        let refused = fences.check(&listen.parse().unwrap()).err().map(|refused| refused.missing);
        assert_eq!(refused.unwrap_or("ok"), want, "{listen}: {given}");
    }

    #[test]
    fn off_loopback_a_server_has_tls_and_tokens_or_its_operator_says_otherwise() {
        const OPEN: &str = "nobody has to show a token, and nothing that is sent there is encrypted";
        const NO_TOKEN: &str = "nobody has to show a token";
        const PLAIN: &str = "nothing that is sent there is encrypted, tokens included";
        for near in ["127.0.0.1:7420", "127.1.2.3:1", "[::1]:7420", "[::ffff:127.0.0.1]:7420", "unix:/run/http.sock"] {
            for given in ["", "tls", "tokens", "tls tokens", "insecure-transport", "insecure"] {
                check(near, given, "ok");
            }
        }
        for far in ["0.0.0.0:7420", "[::]:7420", "10.0.0.1:7420", "[2001:db8::1]:7420", "[::ffff:10.0.0.1]:7420"] {
            check(far, "", OPEN);
            check(far, "tls", NO_TOKEN);
            check(far, "tokens", PLAIN);
            check(far, "tls tokens", "ok");
            check(far, "insecure-transport", NO_TOKEN);
            check(far, "tls insecure-transport", NO_TOKEN);
            check(far, "tokens insecure-transport", "ok");
            for given in ["insecure", "insecure tls", "insecure tokens", "insecure insecure-transport"] {
                check(far, given, "ok");
            }
        }
    }
}
