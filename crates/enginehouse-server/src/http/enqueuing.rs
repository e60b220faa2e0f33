//! Events on their way to the dispatcher, within the share of whoever sends them.

use enginehouse_core::access::principal::Principal;
use enginehouse_core::event::NewEvent;

use super::app::App;
use super::budgets::CallOrigin;
use crate::dispatcher::answers::Enqueued;
use crate::dispatcher::reply::DispatchError;

/// Enqueues events: all or none.
pub(super) async fn enqueue(
    app: &App,
    caller: &CallOrigin,
    principal: &Principal,
    events: Vec<NewEvent>,
) -> Result<Vec<Enqueued>, DispatchError> {
    let share = caller.begin_enqueue(events.len());
    let _until_it_is_durable = share.map_err(|exceeded| DispatchError::QuotaExceeded(Box::new(exceeded)))?;
    let enqueued = app.dispatcher().enqueue_for(principal, events).await?;
    if let Some(token) = &caller.token {
        token.count_enqueued(enqueued.iter().filter(|one| !one.duplicate).count());
    }
    Ok(enqueued)
}
