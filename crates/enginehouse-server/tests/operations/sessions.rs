//! Engines prove who they are: forged calls, takeovers, and what these cost the events.

use std::sync::Arc;

use enginehouse_core::access::principal::{Grant, Principal};
use enginehouse_core::access::secret::AccessToken;
use enginehouse_core::access::session::{SessionProof, SessionToken};
use enginehouse_core::access::token::TokenDraft;
use enginehouse_core::engine::{EngineStatus, Registration, SuccessionRefused};
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_core::input::read_json;
use enginehouse_core::request::{Exchange, Heartbeat, SettleCommand, Settler};
use enginehouse_core::time::Timestamp;
use enginehouse_core::transition::EventCommand;
use enginehouse_server::dispatcher::EngineCaller;
use enginehouse_server::dispatcher::answers::Claimed;
use enginehouse_server::dispatcher::engines::{Deregister, Drain, Register, Registered};
use enginehouse_server::dispatcher::reply::{DispatchError, Refusal};

use crate::harness::{Harness, claim, complete, token};

fn id(engine_id: &str) -> EngineId {
    engine_id.parse().unwrap()
}

/// The bearer of a token of role engine.
fn bearer(number: u64) -> Principal {
    let token = AccessToken::made(number, [1; 32]);
    let draft = read_json(br#"{"name":"fleet","role":"engine"}"#, TokenDraft::read).unwrap();
    let record = draft.made(token.accessor().clone(), token.hash(), "test".to_owned(), Timestamp::MIN);
    Principal::Bearer(Arc::new(Grant::from(&record)))
}

fn shown(session: &SessionToken) -> SessionProof {
    SessionProof::Shown(session.hash())
}

/// Registers an engine with the token of this number.
async fn register(
    harness: &Harness,
    engine_id: &str,
    by: u64,
    session: SessionProof,
    takeover: bool,
) -> Result<Registered, DispatchError> {
    let body = format!(r#"{{"engine_type":"test","takeover":{takeover}}}"#);
    let registration = read_json(body.as_bytes(), |value| Registration::read(value, |_| id(engine_id))).unwrap();
    harness.dispatcher.execute_for(&bearer(by).into(), Register { registration, session }).await
}

async fn new_engine(harness: &Harness, engine_id: &str) -> SessionToken {
    register(harness, engine_id, 1, SessionProof::Missing, false).await.unwrap().session
}

async fn exchange(
    harness: &Harness,
    engine_id: &str,
    epoch: i64,
    session: SessionProof,
    exchange: Exchange,
) -> Result<Vec<Claimed>, DispatchError> {
    let caller = EngineCaller { session, ..EngineCaller::new(id(engine_id), epoch) };
    Ok(harness.dispatcher.exchange(caller, exchange).await?.claimed.unwrap_or_default())
}

fn claiming() -> Exchange {
    Exchange { claim: Some(claim(1)), ..Exchange::default() }
}

async fn settle(
    harness: &Harness,
    claimed: &Claimed,
    command: EventCommand,
    settler: Settler,
) -> Result<EventStatus, String> {
    let command = SettleCommand { settler, ..SettleCommand::new(claimed.event.event_id, command) };
    let mut settled = harness.dispatcher.settle(vec![command]).await.unwrap();
    settled.remove(0).map(|settled| settled.event.state.status).map_err(|refused| refused.to_string())
}

#[track_caller]
fn check_wrong_session<T: std::fmt::Debug>(answer: Result<T, DispatchError>, engine_id: &str) {
    match answer {
        Err(DispatchError::Refused(Refusal::WrongSession(of))) if of == id(engine_id) => {}
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn calls_without_the_session_of_their_engine_are_refused_and_change_nothing() {
    let harness = Harness::new();
    let (own, other) = (new_engine(&harness, "e").await, new_engine(&harness, "other").await);
    let event_id = harness.enqueue_many(2).await[0];
    let claimed = exchange(&harness, "e", 1, shown(&own), claiming()).await.unwrap().remove(0);
    for forged in [SessionProof::Missing, shown(&other)] {
        let settlement = SettleCommand::new(event_id, complete(token(&claimed)));
        let heartbeat = Some(Heartbeat { lock_tokens: Some(Vec::new()), ..Heartbeat::default() });
        for part in [
            Exchange { heartbeat, ..Exchange::default() },
            claiming(),
            Exchange { settlements: vec![settlement], ..Exchange::default() },
        ] {
            check_wrong_session(exchange(&harness, "e", 1, forged, part).await, "e");
        }
        let refused = settle(&harness, &claimed, complete(token(&claimed)), Settler::Engine(forged)).await;
        assert_eq!(refused, Err("the call does not show the session of engine e".to_owned()));
        let drain = Drain { engine_id: id("e"), stop_when_drained: true, epoch: Some(1), session: forged };
        check_wrong_session(harness.execute(drain).await, "e");
        check_wrong_session(
            harness.execute(Deregister { engine_id: id("e"), epoch: None, session: forged }).await,
            "e",
        );
    }
    let (engine, locks) = harness.store.engine(&id("e")).await.unwrap().unwrap();
    assert_eq!(
        (engine.status, locks.len(), harness.status(event_id).await),
        (EngineStatus::Active, 1, EventStatus::Processing)
    );
    assert_eq!(
        settle(&harness, &claimed, complete(token(&claimed)), Settler::Engine(shown(&own))).await,
        Ok(EventStatus::Completed)
    );
    harness.close().await;
}

#[tokio::test]
async fn a_lock_is_settled_with_its_token_by_its_own_engine_alone() {
    let harness = Harness::new();
    let (own, other) = (new_engine(&harness, "own").await, new_engine(&harness, "other").await);
    harness.enqueue_many(1).await;
    let claimed = exchange(&harness, "own", 1, shown(&own), claiming()).await.unwrap().remove(0);
    let with = |command, session: &SessionToken| SettleCommand {
        settler: Settler::Engine(shown(session)),
        ..SettleCommand::new(claimed.event.event_id, command)
    };
    // As the other engine, which proves itself: the token of the lock is not enough.
    let caller = EngineCaller { session: shown(&other), ..EngineCaller::new(id("other"), 1) };
    let settlements = vec![with(complete(token(&claimed)), &other)];
    let answer = harness.dispatcher.exchange(caller, Exchange { settlements, ..Exchange::default() }).await.unwrap();
    assert!(matches!(&answer.settlements[0], Err(Refusal::WrongSession(of)) if *of == id("own")));
    // Nor is the session without it.
    let stale = enginehouse_core::lock::LockToken { secret: 1, ..token(&claimed) };
    let refused = settle(&harness, &claimed, complete(stale), Settler::Engine(shown(&own))).await;
    assert!(refused.unwrap_err().contains("the lock token is not current"));
    for (session, is_admitted) in [(&own, true), (&own, true), (&other, false)] {
        let again = settle(&harness, &claimed, complete(token(&claimed)), Settler::Engine(shown(session))).await;
        assert_eq!(again == Ok(EventStatus::Completed), is_admitted, "a repeat: {again:?}");
    }
    // Of an engine that has said goodbye, and that nobody keeps in memory.
    let goodbye = Deregister { engine_id: id("own"), epoch: Some(1), session: shown(&own) };
    harness.execute(goodbye).await.unwrap();
    for (session, is_admitted) in [(&own, true), (&other, false)] {
        let again = settle(&harness, &claimed, complete(token(&claimed)), Settler::Engine(shown(session))).await;
        assert_eq!(again == Ok(EventStatus::Completed), is_admitted, "a repeat after the goodbye: {again:?}");
    }
    harness.close().await;
}

#[tokio::test]
async fn a_registration_ends_the_session_before_and_a_restart_of_the_server_none() {
    let harness = Harness::new();
    let first = new_engine(&harness, "e").await;
    let second = register(&harness, "e", 1, shown(&first), false).await.unwrap().session;
    check_wrong_session(exchange(&harness, "e", 2, shown(&first), claiming()).await, "e");
    let superseded = exchange(&harness, "e", 1, shown(&first), claiming()).await;
    assert!(matches!(superseded, Err(DispatchError::Refused(Refusal::EngineSuperseded { epoch: 1, current: 2, .. }))));
    let harness = harness.restart();
    harness.enqueue_many(1).await;
    let claimed = exchange(&harness, "e", 2, shown(&second), claiming()).await.unwrap().remove(0);
    check_wrong_session(exchange(&harness, "e", 2, shown(&first), claiming()).await, "e");
    assert_eq!(
        settle(&harness, &claimed, complete(token(&claimed)), Settler::Engine(shown(&second))).await,
        Ok(EventStatus::Completed)
    );
    harness.close().await;
}

#[tokio::test]
async fn an_engine_that_lives_is_taken_over_only_knowingly_and_with_its_own_token() {
    let harness = Harness::new();
    let first = new_engine(&harness, "e").await;
    harness.enqueue_many(1).await;
    harness.pass(10.0).await;
    let claimed = exchange(&harness, "e", 1, shown(&first), claiming()).await.unwrap().remove(0);
    let until = harness.store.engine(&id("e")).await.unwrap().unwrap().0.lost_due_at;
    for (by, session, takeover) in [
        (1, SessionProof::Missing, false),
        (2, SessionProof::Missing, true),
        (2, shown(&SessionToken::made([9; 32])), true),
    ] {
        let refused = register(&harness, "e", by, session, takeover).await;
        let Err(DispatchError::Refused(Refusal::IdIsTaken { why: SuccessionRefused::Alive { until: why }, .. })) =
            refused
        else {
            panic!("{refused:?}")
        };
        assert_eq!(why, until);
    }
    assert_eq!(harness.status(claimed.event.event_id).await, EventStatus::Processing, "nothing was lost");
    let taken = register(&harness, "e", 1, SessionProof::Missing, true).await.unwrap();
    assert_eq!(taken.engine.epoch, 2);
    let event = harness.event(claimed.event.event_id).await.event.state;
    assert_eq!((event.status, event.tally.losses), (EventStatus::Queued, 0), "a takeover is charged to nobody");
    let refused = settle(&harness, &claimed, complete(token(&claimed)), Settler::Engine(shown(&first))).await;
    assert!(refused.unwrap_err().contains("the lock token is not current"));
    // Its own process begins anew: that is a loss like any other.
    let again = exchange(&harness, "e", 2, shown(&taken.session), claiming()).await.unwrap().remove(0);
    let restarted = register(&harness, "e", 2, shown(&taken.session), false).await.unwrap();
    assert_eq!(harness.event(again.event.event_id).await.event.state.tally.losses, 1);
    // And so is one that has fallen silent, whoever comes after it.
    exchange(&harness, "e", 3, shown(&restarted.session), claiming()).await.unwrap();
    harness.clock.advance(std::time::Duration::from_secs(30));
    assert_eq!(register(&harness, "e", 3, SessionProof::Missing, false).await.unwrap().engine.epoch, 4);
    assert_eq!(harness.event(again.event.event_id).await.event.state.tally.losses, 2);
    harness.close().await;
}

#[tokio::test]
async fn an_id_that_is_taken_over_again_and_again_is_left_alone_for_a_while() {
    let harness = Harness::new();
    new_engine(&harness, "e").await;
    let event_id = harness.enqueue_many(1).await[0];
    let mut epoch = 1;
    for _ in 0..5 {
        let taken = register(&harness, "e", 1, SessionProof::Missing, true).await.unwrap();
        epoch = taken.engine.epoch;
        exchange(&harness, "e", epoch, shown(&taken.session), claiming()).await.unwrap();
    }
    let refused = register(&harness, "e", 1, SessionProof::Missing, true).await;
    let Err(DispatchError::Refused(Refusal::IdIsTaken { why: SuccessionRefused::TooOften { retry_after }, .. })) =
        refused
    else {
        panic!("{refused:?}")
    };
    assert_eq!(retry_after.as_secs(), 12);
    let state = harness.event(event_id).await.event.state;
    assert_eq!((state.status, state.attempt, state.tally.losses), (EventStatus::Processing, 5, 0));
    let harness = harness.restart();
    assert!(register(&harness, "e", 1, SessionProof::Missing, true).await.is_err(), "another server counts them, too");
    harness.clock.advance(retry_after);
    assert_eq!(register(&harness, "e", 1, SessionProof::Missing, true).await.unwrap().engine.epoch, epoch + 1);
    harness.close().await;
}

#[tokio::test]
async fn what_a_command_says_of_its_attempt_is_no_sign_that_its_engine_lives() {
    for (settler, status) in
        [(Settler::Command, EngineStatus::Lost), (Settler::Engine(SessionProof::NotAskedFor), EngineStatus::Active)]
    {
        let harness = Harness::new();
        harness.register("e", "{}").await;
        harness.enqueue_many(1).await;
        let claimed = harness.claim_one("e").await;
        harness.pass(20.0).await;
        let extend =
            EventCommand::Extend { token: token(&claimed), visibility_timeout: std::time::Duration::from_secs(900) };
        assert_eq!(settle(&harness, &claimed, extend, settler).await, Ok(EventStatus::Processing));
        harness.pass(15.0).await;
        assert_eq!(harness.store.engine(&id("e")).await.unwrap().unwrap().0.status, status);
        harness.close().await;
    }
}

#[tokio::test]
async fn without_access_tokens_a_registration_takes_the_id_as_it_always_has() {
    let harness = Harness::new();
    assert_eq!(harness.register("e", "{}").await, 1);
    harness.enqueue_many(1).await;
    let claimed = harness.claim_one("e").await;
    assert_eq!(harness.register("e", "{}").await, 2);
    assert_eq!(harness.event(claimed.event.event_id).await.event.state.tally.losses, 1);
    // What is shown nevertheless has to be right.
    let wrong = shown(&SessionToken::made([9; 32]));
    check_wrong_session(exchange(&harness, "e", 2, wrong, claiming()).await, "e");
    assert_eq!(exchange(&harness, "e", 2, SessionProof::NotAskedFor, claiming()).await.unwrap().len(), 1);
    harness.close().await;
}
