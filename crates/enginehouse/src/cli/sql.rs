//! `enginehouse sql`: what database roles may enqueue in SQL.

use std::sync::Arc;

use clap::{Args, Subcommand};
use enginehouse_core::access::selector::Selector;
use enginehouse_core::audit::AuditOutcome;
use enginehouse_core::time::Timestamp;
use enginehouse_server::dispatcher::actor::Actor;
use enginehouse_store::rows::EnqueueGrant;
use enginehouse_store::{Store, Transaction};
use serde::Serialize;
use serde_json::json;

use super::cli_error::CliError;
use super::offline_store::{OfflineStoreArgs, store_failed};
use super::output::{Listed, one, whole_list};
use super::server_and_output::OutputArgs;
use super::times::{TimeFormat, Times};
use crate::exit_codes::Exit;

#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    place: OfflineStoreArgs,
    #[command(subcommand)]
    verb: SqlCommand,
}

#[derive(Debug, Subcommand)]
enum SqlCommand {
    /// Let a database role enqueue events, and all roles that inherit from it
    #[command(after_help = "\
The role also needs `usage` on the schema and `execute` on its functions.

Example:
  enginehouse sql grant shop --queue 'shop.*' --event-type 'order.*' \\
    --store postgres://enginehouse@db/enginehouse")]
    Grant(GrantArgs),
    /// Take a grant away, named as it was given
    Revoke(GrantArgs),
    /// List what database roles may enqueue
    #[command(alias = "ls")]
    List,
}

#[derive(Debug, Args)]
struct GrantArgs {
    /// The database role, as it connects
    role: String,
    /// Events of these queues only: a name, or the beginning of names and an asterisk
    #[arg(long, value_name = "SELECTOR")]
    queue: Option<Selector>,
    /// Events of these types only
    #[arg(long, value_name = "SELECTOR")]
    event_type: Option<Selector>,
}

/// A grant as it is shown.
#[derive(Debug, Serialize)]
struct GrantView {
    role: String,
    queue: Option<Selector>,
    event_type: Option<Selector>,
    granted_at: Timestamp,
    /// Whether the database has such a role.
    role_exists: bool,
}

pub(crate) async fn run(arguments: SqlArgs) -> Exit {
    let SqlArgs { output, place, verb } = arguments;
    let result = Box::pin(carry_out(&output, &place, verb)).await;
    output.finish(result)
}

async fn carry_out(output: &OutputArgs, place: &OfflineStoreArgs, verb: SqlCommand) -> Result<(), CliError> {
    let unfit = |why| {
        CliError::new(Exit::Invalid, "nothing was done", why, "name a database: --store postgres://USER@HOST/DATABASE")
    };
    let Some(store) = place.open().await? else { return Err(unfit("grants are in the store itself")) };
    if !store.is_shared() {
        return Err(unfit("nobody enqueues in SQL into a data file, which is written by its server alone"));
    }
    match verb {
        SqlCommand::Grant(arguments) => change(output, store, arguments, true).await,
        SqlCommand::Revoke(arguments) => change(output, store, arguments, false).await,
        SqlCommand::List => {
            let found = store.begin().await.map_err(store_failed)?.enqueue_grants().await.map_err(store_failed)?;
            let views = found.into_iter().map(|(grant, role_exists)| view(grant, role_exists)).collect();
            whole_list(output, &Times::new(TimeFormat::Relative), views)
        }
    }
}

/// Gives a grant or takes it away, with an entry in the audit log.
async fn change(output: &OutputArgs, store: Arc<dyn Store>, arguments: GrantArgs, give: bool) -> Result<(), CliError> {
    let GrantArgs { role, queue, event_type } = arguments;
    let mut transaction = store.begin().await.map_err(store_failed)?;
    let grant = EnqueueGrant { role_name: role, queue, event_type, granted_at: transaction.now() };
    let done = write(&mut *transaction, &grant, give).await?;
    let role = &grant.role_name;
    let refused = |why: String, hint| Err(CliError::new(Exit::NotFound, "nothing was done", why, hint));
    match (done, give) {
        (false, true) => return refused(format!("the database has no role {role}"), "make it with `create role`"),
        (false, false) => {
            return refused(
                format!("role {role} has no such grant"),
                "see `enginehouse sql list` with the same --store",
            );
        }
        (true, _) => {}
    }
    let detail = json!({ "queue": grant.queue, "event_type": grant.event_type });
    let action = if give { "enqueue_grant.give" } else { "enqueue_grant.take" };
    let entry = Actor::STORE.entry(transaction.now(), (action, role.clone()), AuditOutcome::Done, &detail);
    transaction.insert_audit(&[entry]).await.map_err(store_failed)?;
    transaction.commit().await.map_err(store_failed)?;
    store.link_audit().await.map_err(store_failed)?;
    let shown = view(grant, true);
    let names = <GrantView as Listed>::HEADER.iter().map(|name| name.to_lowercase());
    let values = shown.row(&Times::new(TimeFormat::Utc));
    let names: Vec<_> = names.collect();
    let fields: Vec<_> = names.iter().map(String::as_str).zip(values).collect();
    one(output, &shown, &shown.role, &fields)
}

async fn write(transaction: &mut dyn Transaction, grant: &EnqueueGrant, give: bool) -> Result<bool, CliError> {
    let done = match give {
        true => transaction.write_enqueue_grant(grant).await,
        false => transaction.delete_enqueue_grant(grant).await,
    };
    done.map_err(store_failed)
}

fn view(grant: EnqueueGrant, role_exists: bool) -> GrantView {
    let EnqueueGrant { role_name, queue, event_type, granted_at } = grant;
    GrantView { role: role_name, queue, event_type, granted_at, role_exists }
}

impl Listed for GrantView {
    const HEADER: &'static [&'static str] = &["ROLE", "QUEUES", "EVENT TYPES", "GRANTED", "ROLE EXISTS"];
    const WIDE: &'static [&'static str] = &[];

    fn row(&self, times: &Times) -> Vec<String> {
        let text = |selector: &Option<Selector>| selector.as_ref().map_or_else(|| "*".to_owned(), Selector::to_string);
        vec![
            self.role.clone(),
            text(&self.queue),
            text(&self.event_type),
            times.show(self.granted_at),
            if self.role_exists { "yes" } else { "no" }.to_owned(),
        ]
    }

    fn id(&self) -> String {
        self.role.clone()
    }
}
