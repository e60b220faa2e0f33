//! Engines end attempts, or keep them going.

use std::sync::Arc;

use enginehouse_core::ids::EventId;
use enginehouse_core::request::Settlement;
use enginehouse_core::transition;
use enginehouse_store::{StoreError, Transaction};

use super::batch::Batch;
use super::commands::{Refusal, SettleAnswer, SettledEvent};
use super::working::Working;

/// Settles locks, each with its own answer, and writes them.
pub(super) async fn settle(
    tx: &mut dyn Transaction,
    settlements: &[&Settlement],
    working: &mut Working,
    batch: &mut Batch<'_>,
) -> Result<Vec<SettleAnswer>, StoreError> {
    working.load(tx, settlements.iter().map(|settlement| settlement.event_id)).await?;
    let mut answers = Vec::with_capacity(settlements.len());
    for settlement in settlements {
        let applied = working.apply(settlement.event_id, &settlement.command, &mut batch.deciding())?;
        answers.push(match applied {
            Ok(row) => {
                let event = row.clone();
                let lane = Arc::clone(batch.registry.lane(event.lane_id)?);
                Ok(SettledEvent { event, lane, payload: None })
            }
            Err(refused) => Err(refused),
        });
    }
    let unwritten = working.write(tx, batch.registry, batch.report).await?;
    for (answer, settlement) in answers.iter_mut().zip(settlements) {
        if let Ok(settled) = answer
            && unwritten.contains(&settlement.event_id)
        {
            *answer = Err(moved_meanwhile(settlement.event_id, settled.event.state.status));
        }
    }
    Ok(answers)
}

/// Another server has moved the event since it was read: so its lock is not the one that was shown.
fn moved_meanwhile(event_id: EventId, status: enginehouse_core::event::EventStatus) -> Refusal {
    Refusal::Event { event_id, why: transition::Refusal::LockLost { status } }
}
