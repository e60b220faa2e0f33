//! What the busy fleet works on: each event waits as long as such work takes, and some of it fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_client::{ClaimedEvent, HandlerContext, HandlerOutcome};
use enginehouse_core::json::RawJson;
use serde_json::json;

use super::timing::pass;

/// In how many steps an event is done. After each it reports how far it is.
const STEPS: u32 = 20;
/// The version of the engines' software with which mails fail more often.
pub(super) const BAD_VERSION: &str = "1.5.0";

/// The types of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BusyEvent {
    /// Quick, and there are many.
    Thumbnail,
    /// Needs an engine with a gpu.
    Frame,
    /// Takes long.
    Simulation,
    /// Fails often.
    Mail,
    /// Needs what no engine has.
    Training,
}

impl BusyEvent {
    const ALL: [Self; 5] = [Self::Thumbnail, Self::Frame, Self::Simulation, Self::Mail, Self::Training];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Thumbnail => "thumbnail.make",
            Self::Frame => "frame.render",
            Self::Simulation => "water.simulate",
            Self::Mail => "mail.send",
            Self::Training => "model.train",
        }
    }

    fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.name() == name)
    }

    fn queue(self) -> &'static str {
        match self {
            Self::Thumbnail | Self::Frame => "render",
            Self::Simulation | Self::Training => "batch",
            Self::Mail => "mail",
        }
    }

    /// What an engine must be capable of.
    fn requirement(self) -> Option<&'static str> {
        match self {
            Self::Frame => Some("gpu"),
            Self::Training => Some("tpu"),
            Self::Thumbnail | Self::Simulation | Self::Mail => None,
        }
    }

    /// How many of it are enqueued in a thousand seconds, for each engine.
    pub(super) fn rate(self) -> u64 {
        match self {
            Self::Thumbnail => 300,
            Self::Frame => 60,
            Self::Simulation => 8,
            Self::Mail => 80,
            Self::Training => 4,
        }
    }

    /// From how many milliseconds on it takes, and how many more at most.
    fn length(self) -> (u64, u64) {
        match self {
            Self::Thumbnail => (100, 500),
            Self::Frame => (1_500, 4_000),
            Self::Simulation => (20_000, 40_000),
            Self::Mail => (50, 300),
            Self::Training => (60_000, 60_000),
        }
    }

    /// The `number`th event, of the whole fleet.
    pub(super) fn enqueued(self, number: u64, run: &str) -> EnqueueRequest {
        let scene = ["alps", "harbour", "forest", "station"][pick(number, 4) as usize];
        let payload = json!({ "number": number, "scene": scene, "camera": { "lens_mm": 24 + pick(number + 1, 60) } });
        EnqueueRequest {
            event_type: self.name().to_owned(),
            queue: Some(self.queue().to_owned()),
            payload: Some(RawJson::from(&payload)),
            priority: (self == Self::Thumbnail && number.is_multiple_of(10)).then_some(2),
            required_capabilities: self.requirement().into_iter().map(str::to_owned).collect(),
            scenario_run_id: (self != Self::Mail).then(|| run.to_owned()),
            labels: [("team".to_owned(), ["film", "games", "web"][pick(number + 2, 3) as usize].to_owned())].into(),
            ..EnqueueRequest::default()
        }
    }
}

/// A number below `end`, the same for the same `seed`, without a pattern that a person would see (SplitMix64).
pub(super) fn pick(seed: u64, end: u64) -> u64 {
    let mixed = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % end.max(1)
}

/// Does one event: waits, reports, and fails if it should.
pub(super) async fn work(
    event: ClaimedEvent,
    context: HandlerContext,
    version: &'static str,
    held: Arc<AtomicU32>,
) -> HandlerOutcome {
    held.fetch_add(1, Ordering::Relaxed);
    let outcome = tokio::select! {
        outcome = perform(&event, &context, version) => outcome,
        _ = context.stopped() => HandlerOutcome::Release { delay_seconds: None },
    };
    held.fetch_sub(1, Ordering::Relaxed);
    outcome
}

async fn perform(event: &ClaimedEvent, context: &HandlerContext, version: &str) -> HandlerOutcome {
    let Some(kind) = BusyEvent::of_name(event.event_type.as_str()) else {
        return HandlerOutcome::failed("unknown_type", format!("this engine does not know {}", event.event_type));
    };
    let seed = event.event_id.0.as_u64_pair().1.wrapping_add(u64::from(event.attempt));
    let (least, more) = kind.length();
    let length = Duration::from_millis(least + pick(seed, more));
    if kind == BusyEvent::Mail {
        pass(length).await;
        return send_mail(seed, version);
    }
    for step in 1..=STEPS {
        pass(length / STEPS).await;
        let percent = f64::from(step * 100 / STEPS);
        context.progress(Some(percent), Some(&format!("step {step} of {STEPS}")));
        if kind == BusyEvent::Simulation {
            context.log(&format!("step {step} of {STEPS}: {} cells", 1_000 + pick(seed + u64::from(step), 9_000)));
        }
    }
    HandlerOutcome::Complete { result: Some(RawJson::from(&json!({ "seconds": length.as_secs_f64() }))) }
}

/// Now and then an address is wrong or the server is away, and the new version makes it worse.
fn send_mail(seed: u64, version: &str) -> HandlerOutcome {
    let failing = if version == BAD_VERSION { 55 } else { 12 };
    if pick(seed + 7, 100) >= failing {
        return HandlerOutcome::Complete { result: None };
    }
    let number = pick(seed + 8, 9_000);
    match pick(seed + 9, 3) {
        0 => HandlerOutcome::failed("smtp", format!("connecting to mx{number}\n421 mailbox of user{number} is busy")),
        1 => HandlerOutcome::failed("smtp", format!("550 no mailbox 'user{number}'")),
        _ => HandlerOutcome::failed(
            "timeout",
            format!("no answer from 10.0.{}.{} after 30 s", number / 256, number % 256),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_can_be_enqueued_and_is_known_to_the_engines() {
        for kind in BusyEvent::ALL {
            for number in 0..20 {
                assert!(kind.enqueued(number, "film-1").check().is_ok(), "{kind:?} {number}");
            }
            assert_eq!(BusyEvent::of_name(kind.name()), Some(kind));
        }
    }

    /// What the fleet is given in a second takes it less than a second, or its queues would only grow.
    #[test]
    fn the_fleet_can_do_what_it_is_given() {
        let work = |kind: BusyEvent| {
            let (least, more) = kind.length();
            kind.rate() as f64 / 1_000.0 * (least as f64 + more as f64 / 2.0) / 1_000.0
        };
        let all: f64 =
            [BusyEvent::Thumbnail, BusyEvent::Frame, BusyEvent::Simulation, BusyEvent::Mail].map(work).iter().sum();
        assert!((0.3..1.2).contains(&all), "{all} events at once for each engine, of which each has two places");
        // Half of the engines have a gpu.
        assert!(work(BusyEvent::Frame) < 0.7);
    }

    #[test]
    fn a_mail_fails_more_often_with_the_new_version() {
        let fails = |version: &str| {
            let failed = (0..1_000).filter(|seed| matches!(send_mail(*seed, version), HandlerOutcome::Fail { .. }));
            failed.count()
        };
        assert!(fails("1.4.2") < 200 && fails(BAD_VERSION) > 400, "{} {}", fails("1.4.2"), fails(BAD_VERSION));
    }
}
