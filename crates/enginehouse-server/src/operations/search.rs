//! Finds the members of an operation, page by page, in the order in which they have their turns.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::engine::{EngineStatus, RegisteredEngine};
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
pub(crate) struct MemberSearch {
    terms: FilterTerms,
    question: Question,
}

#[derive(Clone, Debug)]
enum Question {
    /// One after the other: the first of them is looked through to its end, then the next.
    Events(Vec<EventFilter>),
    DeadLetters(DeadLetterSearch),
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
        let asked = terms.clone();
        let question = match action.member_kind() {
            MemberKind::Event => {
                let filter = EventFilter { within, ..EventFilter::default() }.matching(asked, at);
                Question::Events(of_statuses(action, filter, before)?)
            }
            MemberKind::DeadLetter => {
                let filter = DeadLetterFilter { within, ..DeadLetterFilter::default() };
                let mut search = filter.matching(asked, at);
                let latest = search.filter.dead_lettered_before.map_or(before, |asked| asked.min(before));
                search.filter.dead_lettered_before = Some(latest);
                Question::DeadLetters(search)
            }
            MemberKind::Engine => {
                let filter = EngineFilter { within, ..EngineFilter::default() };
                Question::Engines(filter.matching(asked, at), action)
            }
        };
        Ok(Self { terms, question })
    }

    /// What was asked for.
    pub(crate) fn terms(&self) -> &FilterTerms {
        &self.terms
    }

    /// The next of them from behind a place on, at most `limit`; and the place to go on from, if there may be more.
    pub(crate) async fn page(
        &self,
        store: &dyn Store,
        place: Option<&str>,
        limit: u32,
    ) -> Result<ResultPage<String>, StoreError> {
        match &self.question {
            Question::Events(filters) => events(store, filters, place, limit).await,
            Question::DeadLetters(search) => dead_letters(store, search, place, limit).await,
            Question::Engines(filter, action) => {
                let page = PageRequest { limit, after: place.map(str::to_owned) };
                let ResultPage { items, next } = store.engines(filter, &page).await?;
                let engines = items.into_iter().map(|(engine, _)| engine);
                let found = engines.filter(|engine| is_about(*action, engine) && filter.terms.match_facts(engine));
                Ok(ResultPage { items: found.map(|engine| engine.engine_id.to_string()).collect(), next })
            }
        }
    }
}

/// Whether an action may have something to do with an engine.
fn is_about(action: OperationAction, engine: &RegisteredEngine) -> bool {
    let status = engine.status;
    match action {
        OperationAction::DrainEngines => matches!(status, EngineStatus::Active | EngineStatus::Lost),
        OperationAction::ResumeEngines => status == EngineStatus::Draining,
        OperationAction::LiftQuarantines => engine.quarantine.is_some() || !engine.automatic_quarantines.is_empty(),
        _ => status != EngineStatus::Stopped,
    }
}

fn of_statuses(
    action: OperationAction,
    filter: EventFilter,
    before: Timestamp,
) -> Result<Vec<EventFilter>, UnfitFilter> {
    let wanted = statuses(action);
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

/// How many dead letters are compared for a page, each of which is read by itself.
const COMPARED_AT_ONCE: u32 = 200;

/// Oldest first, also where they have to be compared one by one. A place is the last one that was looked at.
async fn dead_letters(
    store: &dyn Store,
    search: &DeadLetterSearch,
    place: Option<&str>,
    limit: u32,
) -> Result<ResultPage<String>, StoreError> {
    let after = place.map(str::to_owned);
    if search.terms.is_empty() {
        let found = store.dead_letter_ids(&search.filter, &PageRequest { limit, after }).await?;
        return Ok(ResultPage { items: found.items.iter().map(ToString::to_string).collect(), next: found.next });
    }
    let page = PageRequest { limit: COMPARED_AT_ONCE, after };
    let ResultPage { items: candidates, next } = store.dead_letter_ids(&search.filter, &page).await?;
    let (mut items, last) = (Vec::new(), candidates.last().copied());
    for event_id in candidates {
        let matches = match store.dead_letter(event_id).await {
            Ok(row) => row.is_some_and(|row| search.terms.match_facts(&row)),
            // It cannot be compared, as in a list.
            Err(StoreError::Unreadable(_)) => false,
            Err(error) => return Err(error),
        };
        if matches {
            items.push(event_id.to_string());
            if items.len() >= limit as usize {
                let next = if last == Some(event_id) { next } else { items.last().cloned() };
                return Ok(ResultPage { items, next });
            }
        }
    }
    Ok(ResultPage { items, next })
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
