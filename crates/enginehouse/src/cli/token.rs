//! `enginehouse token`: make, see, rotate and revoke access tokens, by a server or with the store itself.

mod offline;
mod tokens;

use std::time::Duration;

use clap::{Args, Subcommand};
use enginehouse_api::tokens::{CreateTokenRequest, NewToken, RotateTokenRequest, TokenView};
use enginehouse_client::Client;
use enginehouse_core::access::certificate_name::CertificateName;
use enginehouse_core::access::network::Network;
use enginehouse_core::access::role::Role;
use enginehouse_core::access::selector::{Selector, Selectors};
use enginehouse_core::ids::TokenName;
use enginehouse_core::time::Timestamp;

use self::offline::OfflineTokens;
use self::tokens::Tokens;
use super::cli_error::CliError;
use super::effect::{Effect, ServerCall};
use super::offline_store::OfflineStoreArgs;
use super::output::{Listed, note, one, or_dash, whole_list};
use super::server_and_output::{Common, confirm, for_each, words};
use super::times::{TimeFormat, Times, duration, future};
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct TokenArgs {
    #[command(flatten)]
    common: Common,
    #[command(flatten)]
    place: OfflineStoreArgs,
    #[command(subcommand)]
    verb: TokenCommand,
}

#[derive(Debug, Subcommand)]
enum TokenCommand {
    /// Make a token; its text is shown this once
    #[command(after_help = "\
The first token of a store is made with --store. From then on every call needs one.

Examples:
  enginehouse token create root --role admin \\
    --store sqlite:///var/lib/enginehouse/enginehouse.db
  enginehouse token create ci --role producer --queue 'ci.*' --expires-in 30d")]
    Create(CreateArgs),
    /// List tokens, those that are over too
    #[command(alias = "ls")]
    List,
    /// Show one token
    Show {
        /// Its accessor or its name
        token: String,
    },
    /// Give a token a new secret and a new end; the present secret is taken for a while, too
    #[command(after_help = "Example:\n  enginehouse token rotate ci --overlap 2h")]
    Rotate(RotateArgs),
    /// Revoke tokens: within a second nothing takes them any more
    Revoke {
        /// Their accessors or names
        #[arg(required = true)]
        tokens: Vec<String>,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
}

#[derive(Debug, Args)]
struct CreateArgs {
    /// What people call it
    name: TokenName,
    /// What it is for
    #[arg(long, value_parser = words::<Role>())]
    role: Role,
    /// Let an operator read payloads, results and error details, too
    #[arg(long)]
    read_payloads: bool,
    /// Act on events of these queues only: a name, or the beginning of names and an asterisk
    #[arg(long = "queue", value_name = "SELECTOR")]
    queues: Vec<Selector>,
    /// Act on events of these types only
    #[arg(long = "event-type", value_name = "SELECTOR")]
    event_types: Vec<Selector>,
    /// Act as, and on, these engines only
    #[arg(long = "engine", value_name = "SELECTOR")]
    engines: Vec<Selector>,
    /// Register engines of these capabilities only
    #[arg(long = "capability", value_name = "SELECTOR")]
    capabilities: Vec<Selector>,
    /// Take it from these addresses and networks only, such as 10.0.0.0/8
    #[arg(long = "allowed-address", value_name = "CIDR")]
    allowed_addresses: Vec<Network>,
    /// Let clients in by their certificates of this name, and by no text: a URI, a DNS name or a common name
    #[arg(long, value_name = "NAME")]
    certificate_name: Option<CertificateName>,
    /// From when on it is valid; from now on if not said
    #[arg(long, value_name = "TIME", value_parser = future)]
    not_before: Option<Timestamp>,
    /// How long it is valid, such as 90d [default: 90d, for an admin 30d]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<Duration>,
}

#[derive(Debug, Args)]
struct RotateArgs {
    /// Its accessor or its name
    token: String,
    /// For how long the present secret is taken, too; 0s for not at all
    #[arg(long, value_name = "DURATION", value_parser = duration, default_value = "24h")]
    overlap: Duration,
    /// How long it is valid from now on [default: 90d, for an admin 30d]
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    expires_in: Option<Duration>,
}

impl TokenArgs {
    /// None with the store itself: no server is spoken to.
    pub(crate) fn call(&self) -> Option<ServerCall<'_>> {
        let effect = match &self.verb {
            TokenCommand::List | TokenCommand::Show { .. } => Effect::Reads,
            TokenCommand::Create(_) | TokenCommand::Rotate(_) | TokenCommand::Revoke { .. } => Effect::Changes,
        };
        self.place.store.is_none().then_some(ServerCall { common: &self.common, effect })
    }
}

pub(crate) async fn run(arguments: TokenArgs) -> Exit {
    let TokenArgs { common, place, verb } = arguments;
    let result = Box::pin(carry_out(&common, &place, verb)).await;
    common.finish(result)
}

async fn carry_out(common: &Common, place: &OfflineStoreArgs, verb: TokenCommand) -> Result<(), CliError> {
    let tokens = match place.open().await? {
        Some(store) => Tokens::Offline(Box::new(OfflineTokens::new(store))),
        None => Tokens::Online(Box::new(Client::clone(&common.client))),
    };
    match verb {
        TokenCommand::Create(arguments) => create(common, &tokens, arguments).await,
        TokenCommand::List => whole_list(common, &Times::new(TimeFormat::Relative), tokens.all().await?),
        TokenCommand::Show { token } => show(common, &tokens.find(&token).await?),
        TokenCommand::Rotate(arguments) => rotate(common, &tokens, arguments).await,
        TokenCommand::Revoke { tokens: named, yes } => revoke(common, &tokens, &named, yes).await,
    }
}

async fn create(common: &Common, tokens: &Tokens, arguments: CreateArgs) -> Result<(), CliError> {
    let CreateArgs {
        name,
        role,
        read_payloads,
        queues,
        event_types,
        engines,
        capabilities,
        allowed_addresses,
        certificate_name,
        not_before,
        expires_in,
    } = arguments;
    let request = CreateTokenRequest {
        name,
        role,
        read_payloads,
        selectors: Selectors { queues, event_types, engines, capabilities },
        allowed_addresses,
        certificate_name,
        not_before,
        expires_in_seconds: expires_in.map(|life| life.as_secs()),
    };
    show_new(common, &tokens.create(&request).await?)
}

async fn rotate(common: &Common, tokens: &Tokens, arguments: RotateArgs) -> Result<(), CliError> {
    let RotateArgs { token, overlap, expires_in } = arguments;
    let accessor = tokens.find(&token).await?.accessor;
    let request = RotateTokenRequest {
        overlap_seconds: Some(overlap.as_secs()),
        expires_in_seconds: expires_in.map(|life| life.as_secs()),
    };
    show_new(common, &tokens.rotate(&accessor, &request).await?)
}

async fn revoke(common: &Common, tokens: &Tokens, named: &[String], yes: bool) -> Result<(), CliError> {
    let revoke_one = async |token: &String| {
        let found = tokens.find(token).await?;
        confirm(&format!("Revoke token {} ({}, {})?", found.name, found.accessor, found.role), yes)?;
        show(common, &tokens.revoke(&found.accessor).await?)
    };
    for_each(named, revoke_one, common).await
}

/// The text alone on stdout with `-q`, so that it can go into a file; else with what is kept of it. The accessor, if it has no
/// text.
fn show_new(common: &Common, new: &NewToken) -> Result<(), CliError> {
    let Some(token) = &new.token else { return one(common, new, new.kept.accessor.as_str(), &fields(&new.kept)) };
    let fields: Vec<_> = std::iter::once(("token", token.clone())).chain(fields(&new.kept)).collect();
    one(common, new, token, &fields)?;
    note(
        "the token is shown this once: keep it in a file that nobody else can read, and name that in ENGINEHOUSE_TOKEN_FILE",
    );
    Ok(())
}

fn show(common: &Common, token: &TokenView) -> Result<(), CliError> {
    one(common, token, token.accessor.as_str(), &fields(token))
}

fn fields(token: &TokenView) -> Vec<(&'static str, String)> {
    let revoked = token.revoked_at.zip(token.revoked_by.as_ref()).map(|(at, by)| format!("{at} by {by}"));
    let moment = |at: Option<Timestamp>| or_dash(at.as_ref());
    vec![
        ("accessor", token.accessor.to_string()),
        ("name", token.name.to_string()),
        ("role", role_of(token)),
        ("acts on", reach_of(&token.selectors)),
        ("certificate", or_dash(token.certificate_name.as_ref())),
        ("used from", used_from(&token.allowed_addresses)),
        ("status", status_of(token)),
        ("created", format!("{} by {}", token.created_at, token.created_by)),
        ("not before", moment(token.not_before)),
        ("expires", token.expires_at.to_string()),
        ("last used", moment(token.last_used_at)),
        ("rotated", moment(token.rotated_at)),
        ("old secret until", moment(token.previous_secret_until)),
        ("old secret used", moment(token.previous_secret_used_at)),
        ("revoked", or_dash(revoked.as_ref())),
    ]
}

fn role_of(token: &TokenView) -> String {
    format!("{}{}", token.role, if token.read_payloads { ", reads payloads" } else { "" })
}

/// On what it may act, as the flags that say so.
fn reach_of(selectors: &Selectors) -> String {
    let Selectors { queues, event_types, engines, capabilities } = selectors;
    let lists = [("queue", queues), ("event-type", event_types), ("engine", engines), ("capability", capabilities)];
    let flags: Vec<_> =
        lists.iter().flat_map(|(flag, list)| list.iter().map(move |one| format!("--{flag} {one}"))).collect();
    if flags.is_empty() { "everything".to_owned() } else { flags.join(" ") }
}

/// From where it may be used.
fn used_from(allowed: &[Network]) -> String {
    let networks: Vec<_> = allowed.iter().map(Network::to_string).collect();
    if networks.is_empty() { "anywhere".to_owned() } else { networks.join(" ") }
}

fn status_of(token: &TokenView) -> String {
    let status: &str = token.status.into();
    status.to_owned()
}

impl Listed for TokenView {
    const HEADER: &'static [&'static str] =
        &["ACCESSOR", "NAME", "ROLE", "STATUS", "EXPIRES", "LAST USED", "ACTS ON", "CREATED BY"];
    const WIDE: &'static [&'static str] = &["ACTS ON", "CREATED BY"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            self.accessor.to_string(),
            self.name.to_string(),
            role_of(self),
            status_of(self),
            times.show(self.expires_at),
            or_dash(self.last_used_at.map(|at| times.show(at)).as_ref()),
            reach_of(&self.selectors),
            self.created_by.clone(),
        ]
    }

    fn id(&self) -> String {
        self.accessor.to_string()
    }
}
