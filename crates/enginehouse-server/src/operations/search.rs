//! Finds the members of an operation, page by page, in the order in which they have their turns.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::EventStatus;
use enginehouse_core::filter::{
    DeadLetterFilter, DeadLetterSearch, EngineFilter, EventFilter, FilterError, FilterTerms, PageRequest,
};
use enginehouse_core::operation::{MemberKind, OperationAction, OperationPlan};
use enginehouse_core::time::Timestamp;
use enginehouse_store::rows::ResultPage;
use enginehouse_store::{Store, StoreError};

/// What an operation is about, as questions to the store. Those that come to match after the moment that it is made for are left out.
#[derive(Clone, Debug)]
pub(crate) struct MemberSearch(Question);

#[derive(Clone, Debug)]
enum Question {
    /// One after the other: the first of them is looked through to its end, then the next.
    Events(Vec<EventFilter>),
    DeadLetters(DeadLetterFilter),
    Engines(EngineFilter, OperationAction),
}

/// Why no search can be made of a filter.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum UnfitFilter {
    #[error(transparent)]
    Unreadable(FilterError),
    #[error("{0}")]
    Unfit(String),
}

/// The statuses of the events that an action is about, in the order in which they have their turns.
fn statuses(action: OperationAction) -> &'static [EventStatus] {
    match action {
        // What is claimed meanwhile is found among those that are processing.
        OperationAction::CancelEvents => &[EventStatus::Queued, EventStatus::Processing],
        OperationAction::RetryEvents => &[EventStatus::Queued],
        _ => &[EventStatus::Failed, EventStatus::Cancelled],
    }
}

impl MemberSearch {
    /// The search of an action with a plan, for what matches at a moment.
    ///
    /// # Errors
    /// The filter cannot be read, or asks for what the action is not about.
    pub(crate) fn new(action: OperationAction, plan: &OperationPlan, at: Timestamp) -> Result<Self, UnfitFilter> {
        let terms = FilterTerms::parse(action.subject(), &plan.filter).map_err(UnfitFilter::Unreadable)?;
        let (within, before) = (Arc::new(plan.within.clone()), at + Duration::from_millis(1));
        Ok(Self(match action.member_kind() {
            MemberKind::Event => {
                let filter = EventFilter { within, ..EventFilter::default() }.matching(terms, at);
                Question::Events(of_statuses(action, filter, before)?)
            }
            MemberKind::DeadLetter => {
                let filter = DeadLetterFilter { within, ..DeadLetterFilter::default() };
                let DeadLetterSearch { filter, terms } = filter.matching(terms, at);
                refuse_others(terms.is_empty(), "type, queue, reason, error_code, group and dead_lettered")?;
                let dead_lettered_before = Some(filter.dead_lettered_before.map_or(before, |asked| asked.min(before)));
                Question::DeadLetters(DeadLetterFilter { dead_lettered_before, ..filter })
            }
            MemberKind::Engine => {
                let filter = EngineFilter { within, ..EngineFilter::default() };
                Question::Engines(filter.matching(terms, at), action)
            }
        }))
    }

    /// The next of them from behind a place on, at most `limit`; and the place to go on from, if there may be more.
    pub(crate) async fn page(
        &self,
        store: &dyn Store,
        place: Option<&str>,
        limit: u32,
    ) -> Result<ResultPage<String>, StoreError> {
        match &self.0 {
            Question::Events(filters) => events(store, filters, place, limit).await,
            Question::DeadLetters(filter) => {
                let page = PageRequest { limit, after: place.map(str::to_owned) };
                let ResultPage { items, next } = store.dead_letter_ids(filter, &page).await?;
                Ok(ResultPage { items: items.iter().map(ToString::to_string).collect(), next })
            }
            Question::Engines(filter, action) => {
                let page = PageRequest { limit, after: place.map(str::to_owned) };
                let ResultPage { items, next } = store.engines(filter, &page).await?;
                let engines = items.into_iter().map(|(engine, _)| engine);
                let found =
                    engines.filter(|engine| is_about(*action, engine.status) && filter.terms.match_facts(engine));
                Ok(ResultPage { items: found.map(|engine| engine.engine_id.to_string()).collect(), next })
            }
        }
    }
}

/// Whether an action may have something to do with an engine of this status.
fn is_about(action: OperationAction, status: EngineStatus) -> bool {
    match action {
        OperationAction::DrainEngines => matches!(status, EngineStatus::Active | EngineStatus::Lost),
        OperationAction::ResumeEngines => status == EngineStatus::Draining,
        _ => status != EngineStatus::Stopped,
    }
}

fn of_statuses(
    action: OperationAction,
    filter: EventFilter,
    before: Timestamp,
) -> Result<Vec<EventFilter>, UnfitFilter> {
    let wanted = statuses(action);
    refuse_others(
        filter.terms.is_empty(),
        "one status, queue, type, engine, run, priority, key and label, and by when events were enqueued or may be claimed",
    )?;
    let of = |status: EventStatus| EventFilter {
        status: Some(status),
        enqueued_before: Some(filter.enqueued_before.map_or(before, |asked| asked.min(before))),
        // What may be claimed already does not wait.
        available_after: match action {
            OperationAction::RetryEvents => filter.available_after.max(Some(before)),
            _ => filter.available_after,
        },
        ..filter.clone()
    };
    match filter.status {
        None => Ok(wanted.iter().map(|status| of(*status)).collect()),
        Some(status) if wanted.contains(&status) => Ok(vec![of(status)]),
        Some(status) => {
            let names: Vec<_> = wanted.iter().map(|status| status.name()).collect();
            let names = names.join(" or ");
            Err(UnfitFilter::Unfit(format!("{action} is about {names} events, not {status}", action = action.name())))
        }
    }
}

fn refuse_others(are_none: bool, known: &str) -> Result<(), UnfitFilter> {
    if are_none {
        return Ok(());
    }
    Err(UnfitFilter::Unfit(format!("what an operation is about is found by {known} alone")))
}

/// A place is the number of the filter and the last event that it has found.
async fn events(
    store: &dyn Store,
    filters: &[EventFilter],
    place: Option<&str>,
    limit: u32,
) -> Result<ResultPage<String>, StoreError> {
    let (number, after) = place.and_then(|place| place.split_once(' ')).unwrap_or(("0", ""));
    let number: usize = number.parse().unwrap_or(usize::MAX);
    let Some(filter) = filters.get(number) else { return Ok(ResultPage { items: Vec::new(), next: None }) };
    let page = PageRequest { limit, after: Some(after.to_owned()).filter(|after| !after.is_empty()) };
    let ResultPage { items, next } = store.event_ids(filter, &page).await?;
    let next = match next {
        Some(after) => Some(format!("{number} {after}")),
        None if number + 1 < filters.len() => Some(format!("{} ", number + 1)),
        None => None,
    };
    Ok(ResultPage { items: items.iter().map(ToString::to_string).collect(), next })
}
