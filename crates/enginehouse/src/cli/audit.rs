//! `enginehouse audit`: what people did, and whether anybody has changed what the log says of it.

mod chain;

use std::io::Write;

use clap::{Args, Subcommand};
use enginehouse_api::audit::{AuditItem, AuditLink, AuditQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_core::audit::AuditOutcome;
use enginehouse_core::audit::chain::{ChainHash, ChainVerifier};
use enginehouse_core::time::Timestamp;
use serde::Serialize;

use self::chain::ChainReader;
use super::cli_error::{CliError, written};
use super::effect::{Effect, ServerCall};
use super::offline_store::OfflineStoreArgs;
use super::output::{Listed, Part, document, note, one, or_dash};
use super::server_and_output::{Common, OutputFormat, words};
use super::times::{Times, past};
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: AuditCommand,
}

#[derive(Debug, Subcommand)]
enum AuditCommand {
    /// List what people did, and what they were kept from, newest first
    #[command(
        alias = "ls",
        after_help = "\
Examples:
  enginehouse audit list --principal k3jq7xw2m5ab --from 7d
  enginehouse audit list --action token --all
  enginehouse audit list --outcome denied -o wide"
    )]
    List {
        #[command(flatten)]
        filter: AuditFilterArgs,
        #[command(flatten)]
        part: Part,
    },
    /// Write entries as JSON lines, oldest first, with their hashes
    #[command(after_help = "\
To go on with a copy that was kept, name the position of its last entry.

Example:
  enginehouse audit export --after 1200 >> audit.jsonl")]
    Export {
        /// Begin behind this position of the chain
        #[arg(long, value_name = "POSITION", default_value_t = 0, value_parser = clap::value_parser!(i64).range(0..))]
        after: i64,
        #[command(flatten)]
        place: OfflineStoreArgs,
    },
    /// Find out whether an entry was removed, changed, added or moved
    #[command(after_help = "\
The first bad entry is named, and the exit status is 1. Keep the hash that is shown where nobody who may write to the store can change it: without it, nobody can tell whether the newest entries were cut off, or all of them made anew.

Examples:
  enginehouse audit verify
  enginehouse audit verify --store sqlite:///srv/enginehouse.db \\
    --head 32abf5f7706db72a5784fd54a25372465d0bfb164478277de0a82b7bcfd6ba0f")]
    Verify {
        /// A hash that was kept: an entry must have it
        #[arg(long, value_name = "HASH")]
        head: Option<ChainHash>,
        #[command(flatten)]
        place: OfflineStoreArgs,
    },
}

impl AuditArgs {
    /// None with the store itself: no server is spoken to.
    pub(crate) fn call(&self) -> Option<ServerCall<'_>> {
        let is_offline = match &self.verb {
            AuditCommand::List { .. } => false,
            AuditCommand::Export { place, .. } | AuditCommand::Verify { place, .. } => place.store.is_some(),
        };
        (!is_offline).then_some(ServerCall { common: &self.common, effect: Effect::Reads })
    }
}

#[derive(Clone, Debug, Args)]
struct AuditFilterArgs {
    /// Only what they did: the accessor of a token, anyone, store or server
    #[arg(long, value_name = "WHO")]
    principal: Option<String>,
    /// Only this action, or those that begin with it, such as token or queue.pause
    #[arg(long)]
    action: Option<String>,
    /// Only what was done to this event, engine, event type, queue or token
    #[arg(long, value_name = "ID")]
    target: Option<String>,
    /// Only what was done, or what was denied
    #[arg(long, value_parser = words::<AuditOutcome>())]
    outcome: Option<AuditOutcome>,
    /// Only from this moment on, such as 1h (ago), 2026-11-01 or 2026-11-01T10:00:00Z
    #[arg(long, value_name = "TIME", value_parser = past)]
    from: Option<Timestamp>,
    /// Only before this moment
    #[arg(long, value_name = "TIME", value_parser = past)]
    until: Option<Timestamp>,
}

pub(crate) async fn run(arguments: AuditArgs) -> Exit {
    let AuditArgs { common, verb } = arguments;
    let result = match verb {
        AuditCommand::List { filter, part } => list(&common, &filter, part).await,
        AuditCommand::Export { after, place } => Box::pin(export(&common, &place, after)).await,
        AuditCommand::Verify { head, place } => Box::pin(verify(&common, &place, head)).await,
    };
    common.finish(result)
}

async fn list(common: &Common, filter: &AuditFilterArgs, part: Part) -> Result<(), CliError> {
    let fetch = async |limit, cursor| {
        let AuditFilterArgs { principal, action, target, outcome, from, until } = filter.clone();
        let page = PageQuery { limit: Some(limit), cursor };
        common.client.audit(&AuditQuery { principal, action, target, outcome, from, until, page }).await
    };
    part.show(common, "could not list the audit log", fetch).await
}

async fn export(common: &Common, place: &OfflineStoreArgs, after: i64) -> Result<(), CliError> {
    let mut reader = ChainReader::open(common, place, after).await?;
    let mut last = after;
    while let Some(records) = reader.next().await? {
        last = records.last().and_then(|record| record.link).map_or(last, |link| link.position);
        let mut out = std::io::stdout().lock();
        let mut lines = records.into_iter().map(|record| document(OutputFormat::Jsonl, &AuditItem::from(record)));
        written(lines.try_for_each(|line| out.write_all(line.as_bytes())).and_then(|()| out.flush()))?;
    }
    note(&format!("the last entry is at position {last}: `enginehouse audit export --after {last}` goes on behind it"));
    Ok(())
}

/// What was found by whoever has looked at all of it.
#[derive(Serialize)]
struct Verified {
    entries: u64,
    head: Option<AuditLink>,
    deleted: Option<AuditLink>,
    unlinked: u64,
}

async fn verify(common: &Common, place: &OfflineStoreArgs, kept: Option<ChainHash>) -> Result<(), CliError> {
    let mut reader = ChainReader::open(common, place, 0).await?;
    let bad = |fault| {
        CliError::new(
            Exit::Failed,
            "the audit log is not as it was written",
            fault,
            "ask who may write to the store, and compare with a backup or an export from before",
        )
    };
    let mut verifier: Option<ChainVerifier> = None;
    while let Some(records) = reader.next().await? {
        // What retention deletes meanwhile is behind what was read.
        let verifier = verifier.get_or_insert_with(|| {
            let verifier = ChainVerifier::new(reader.ends().deleted);
            kept.into_iter().fold(verifier, ChainVerifier::expect)
        });
        records.iter().try_for_each(|record| verifier.read(record)).map_err(bad)?;
    }
    let verifier = verifier
        .unwrap_or_else(|| kept.into_iter().fold(ChainVerifier::new(reader.ends().deleted), ChainVerifier::expect));
    verifier.finish(reader.ends().head).map_err(bad)?;
    let (ends, unlinked) = (reader.ends(), reader.unlinked());
    let found = Verified {
        entries: verifier.entries(),
        head: ends.head.map(AuditLink::from),
        deleted: ends.deleted.map(AuditLink::from),
        unlinked,
    };
    let place_of = |link: &Option<AuditLink>| or_dash(link.as_ref().map(|link| link.position).as_ref());
    let head = found.head.as_ref().map(|head| head.hash.clone()).unwrap_or_default();
    let fields = [
        ("entries", format!("{}, none of them changed, removed or moved", found.entries)),
        ("deleted up to", place_of(&found.deleted)),
        ("newest", place_of(&found.head)),
        ("head", or_dash(Some(&head).filter(|head| !head.is_empty()))),
        ("not linked yet", unlinked.to_string()),
    ];
    one(common, &found, &head, &fields)?;
    if kept.is_none() {
        note("whether the newest entries were cut off shows only a head that was kept before: --head HASH");
    }
    Ok(())
}

impl Listed for AuditItem {
    const HEADER: &'static [&'static str] =
        &["AT", "PRINCIPAL", "ACTION", "TARGET", "OUTCOME", "ADDRESS", "REQUEST", "POSITION", "DETAIL"];
    const WIDE: &'static [&'static str] = &["ADDRESS", "REQUEST", "POSITION", "DETAIL"];

    fn row(&self, times: &Times) -> Vec<String> {
        vec![
            times.show(self.at),
            self.principal.clone(),
            self.action.clone(),
            self.target.clone(),
            self.outcome.name().to_owned(),
            or_dash(self.address.as_ref()),
            or_dash(self.request_id.as_ref()),
            or_dash(self.position.as_ref()),
            self.detail.as_str().to_owned(),
        ]
    }

    fn id(&self) -> String {
        self.audit_id.to_string()
    }
}
