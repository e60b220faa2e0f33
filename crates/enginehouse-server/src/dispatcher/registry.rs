//! What many requests share, kept in memory: lanes, settings, and what engines can do.
//!
//! Everything here is a copy of rows. It is read again when the store's registry version says that somebody else has
//! changed it, and dropped when a transaction that had changed it does not commit.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use enginehouse_core::access::secret::SecretHash;
use enginehouse_core::engine::{Abilities, EngineStatus, RegisteredEngine};
use enginehouse_core::gates::{ClaimFilter, LaneFacts, PausedRun, could_ever_serve};
use enginehouse_core::ids::{EngineId, EventType, LaneId, QueueName, ScenarioRunId};
use enginehouse_core::lane::{Lane, LaneKey, most_varied};
use enginehouse_core::pause::Pause;
use enginehouse_core::policy::{Policy, Precedence, Settings, precedence, quarantine_mode, resolve};
use enginehouse_core::quarantine::QuarantineMode;
use enginehouse_core::retry::is_final_attempt;
use enginehouse_core::retry_elsewhere::RetryElsewhere;
use enginehouse_store::rows::{EventRow, RegistryChange, SettingsRow, SettingsRows};
use enginehouse_store::{StoreError, Transaction, UnreadableRow};

use super::classes::{EngineClasses, Lanes, Servable};
use super::durations::EngineVersion;
use super::quarantines::Quarantines;
use super::reply::Refusal;
use super::retries::Retry;

/// The copies.
#[derive(Debug)]
pub(super) struct Registry {
    /// The version that the copies are of; none if they are of none.
    version: Option<i64>,
    settings: SettingsRows,
    /// Whether some of them let priorities rise.
    some_queue_ages: bool,
    default_policy: Policy,
    /// After how long an engine is held back for an event, where nothing says otherwise.
    hold_back_after: Option<Duration>,
    engines: HashMap<EngineId, EngineCopy>,
    classes: EngineClasses,
    pub(super) quarantines: Quarantines,
    /// Engines that were deregistered.
    stopped: HashSet<EngineId>,
    lanes: Lanes,
    lane_ids: HashMap<Arc<LaneKey>, LaneId>,
    /// Up to where changes of the set of lanes were read.
    lanes_seen: u64,
    /// Rises whenever a lane comes or goes.
    lanes_version: u64,
    /// Whether something in it was changed by a transaction that has not committed.
    is_uncommitted: bool,
}

#[derive(Debug)]
struct EngineCopy {
    abilities: Arc<Abilities>,
    epoch: i64,
    session: Option<SecretHash>,
    is_active: bool,
    stop_when_drained: bool,
    /// What it has in common with all engines that could serve the same lanes.
    class: Arc<Abilities>,
}

impl Registry {
    pub(super) fn new(default_policy: Policy, hold_back_after: Option<Duration>) -> Self {
        Self {
            version: None,
            settings: SettingsRows::default(),
            some_queue_ages: false,
            default_policy,
            hold_back_after,
            engines: HashMap::new(),
            classes: EngineClasses::default(),
            quarantines: Quarantines::default(),
            stopped: HashSet::new(),
            lanes: Lanes::new(),
            lane_ids: HashMap::new(),
            lanes_seen: 0,
            lanes_version: 0,
            is_uncommitted: false,
        }
    }

    /// A transaction has committed: what it has changed holds.
    pub(super) fn committed(&mut self) {
        self.is_uncommitted = false;
    }

    /// A transaction was rolled back: forgets everything, if it had changed something.
    pub(super) fn rolled_back(&mut self) {
        if self.is_uncommitted {
            self.clear();
        }
    }

    /// Forgets everything: the transaction that it was read or changed in did not commit.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.default_policy, self.hold_back_after);
    }

    /// Reads what others have changed. Answers the engines that have changed.
    pub(super) async fn refresh(&mut self, transaction: &mut dyn Transaction) -> Result<Vec<EngineId>, StoreError> {
        let version = transaction.registry_version().await?;
        let mut changed = Vec::new();
        if self.version != Some(version) {
            let changes = transaction.registry_since(self.version).await?;
            if let Some(settings) = changes.settings {
                self.settings = settings;
                self.look_for_aging();
            }
            if changes.is_complete {
                let there: HashSet<_> = changes.engines.iter().map(|engine| &engine.engine_id).collect();
                let gone: Vec<_> = self.engines.keys().filter(|id| !there.contains(id)).cloned().collect();
                gone.iter().for_each(|engine_id| self.remove_engine(engine_id));
                self.stopped.clear();
            }
            for engine in changes.engines {
                self.keep_engine(&engine);
                changed.push(engine.engine_id);
            }
            self.version = Some(version);
        }
        let changes = transaction.lanes_since(self.lanes_seen).await?;
        if changes.is_complete {
            let there: HashSet<_> = changes.active.iter().chain(&changes.retired).map(|lane| lane.lane_id).collect();
            let gone: Vec<_> = self.lanes.keys().filter(|lane_id| !there.contains(lane_id)).copied().collect();
            for lane_id in gone {
                self.remove_lane(lane_id);
            }
        }
        for lane in changes.active {
            self.keep_lane(lane.lane_id, Arc::new(lane.key));
        }
        for Lane { lane_id, key } in changes.retired {
            // The events that it may have are still given out, but no new one is put there.
            if self.lane_ids.get(&key) == Some(&lane_id) {
                self.lane_ids.remove(&key);
            }
            if self.lanes.insert(lane_id, Arc::new(key)).is_none() {
                self.lanes_version += 1;
            }
        }
        for lane_id in changes.deleted {
            self.remove_lane(lane_id);
        }
        self.lanes_seen = changes.version;
        Ok(changed)
    }

    /// Notes that this transaction has changed an engine or a setting, for every server to see.
    pub(super) async fn raise(
        &mut self,
        transaction: &mut dyn Transaction,
        change: RegistryChange<'_>,
    ) -> Result<(), StoreError> {
        self.is_uncommitted = true;
        let version = transaction.raise_registry_version(change).await?;
        // If others have raised it since this was read, what they have changed is not in here: the next transaction reads it.
        self.version = self.version.map(|before| if before + 1 == version { version } else { before });
        Ok(())
    }

    /// Keeps what an engine can do; forgets one that has stopped.
    pub(super) fn keep_engine(&mut self, engine: &RegisteredEngine) {
        if engine.status == EngineStatus::Stopped {
            self.remove_engine(&engine.engine_id);
            self.stopped.insert(engine.engine_id.clone());
            return;
        }
        self.stopped.remove(&engine.engine_id);
        self.quarantines.keep(engine);
        let abilities = Arc::new(engine.abilities());
        // It joins before it leaves, so that a class of one engine does not end in between.
        let copy = EngineCopy {
            class: self.classes.join(&abilities),
            abilities,
            epoch: engine.epoch,
            session: engine.session,
            is_active: engine.status == EngineStatus::Active,
            stop_when_drained: engine.stop_when_drained,
        };
        if copy.is_active {
            self.classes.set_active(&copy.class, true);
        }
        if let Some(before) = self.engines.insert(engine.engine_id.clone(), copy) {
            self.leave(&before);
        }
    }

    fn leave(&mut self, gone: &EngineCopy) {
        if gone.is_active {
            self.classes.set_active(&gone.class, false);
        }
        self.classes.leave(&gone.class);
    }

    /// An engine is lost, until it claims again.
    pub(super) fn engine_lost(&mut self, engine_id: &EngineId) {
        if let Some(engine) = self.engines.get_mut(engine_id).filter(|engine| engine.is_active) {
            self.is_uncommitted = true;
            engine.is_active = false;
            self.classes.set_active(&engine.class, false);
        }
    }

    pub(super) fn remove_engine(&mut self, engine_id: &EngineId) {
        self.stopped.remove(engine_id);
        self.quarantines.remove(engine_id);
        if let Some(gone) = self.engines.remove(engine_id) {
            self.leave(&gone);
        }
    }

    /// What an engine calls its version.
    pub(super) fn version_of(&self, engine_id: &EngineId) -> EngineVersion {
        self.engines.get(engine_id).and_then(|engine| engine.abilities.version.as_deref()).map(Arc::from)
    }

    /// What is kept of the session that an engine has in an epoch; none if that is not known here.
    pub(super) fn session_of(&self, engine_id: &EngineId, epoch: Option<i64>) -> Option<Option<SecretHash>> {
        let engine = self.engines.get(engine_id)?;
        epoch.is_none_or(|epoch| epoch == engine.epoch).then_some(engine.session)
    }

    /// Whether the engine is to stop once it holds nothing.
    pub(super) fn stops_when_drained(&self, engine_id: &EngineId) -> bool {
        self.engines.get(engine_id).is_some_and(|engine| engine.stop_when_drained)
    }

    pub(super) fn abilities(&mut self, engine: &RegisteredEngine) -> Arc<Abilities> {
        match self.engines.get(&engine.engine_id) {
            Some(copy) if copy.epoch == engine.epoch && copy.is_active == (engine.status == EngineStatus::Active) => {
                Arc::clone(&copy.abilities)
            }
            _ => {
                self.keep_engine(engine);
                Arc::new(engine.abilities())
            }
        }
    }

    fn keep_lane(&mut self, lane_id: LaneId, key: Arc<LaneKey>) {
        if self.lanes.get(&lane_id).is_some_and(|before| *before != key) {
            // A store that came back without its last commits gives the number anew.
            self.remove_lane(lane_id);
        }
        self.lane_ids.insert(Arc::clone(&key), lane_id);
        if self.lanes.insert(lane_id, key).is_some() {
            return;
        }
        self.lanes_version += 1;
    }

    pub(super) fn remove_lane(&mut self, lane_id: LaneId) {
        self.is_uncommitted = true;
        if let Some(key) = self.lanes.remove(&lane_id) {
            // What it asked for may have another number by now.
            if self.lane_ids.get(&key) == Some(&lane_id) {
                self.lane_ids.remove(&key);
            }
            self.classes.remove_lane(lane_id);
            self.lanes_version += 1;
        }
    }

    pub(super) fn has_lane(&self, key: &LaneKey) -> bool {
        self.lane_ids.contains_key(key)
    }

    /// Makes sure that it has the lanes of events that were just read. Others may have made a lane, and put an event into it, since
    /// this transaction has read which lanes there are.
    pub(super) async fn learn_lanes(
        &mut self,
        transaction: &mut dyn Transaction,
        lanes: impl IntoIterator<Item = LaneId>,
    ) -> Result<(), StoreError> {
        let unknown: HashSet<_> = lanes.into_iter().filter(|lane_id| !self.lanes.contains_key(lane_id)).collect();
        if unknown.is_empty() {
            return Ok(());
        }
        let unknown: Vec<_> = unknown.into_iter().collect();
        for Lane { lane_id, key } in transaction.lanes_by_id(&unknown).await? {
            // Whether it is in use still, the next transaction reads.
            self.lanes.insert(lane_id, Arc::new(key));
            self.lanes_version += 1;
        }
        Ok(())
    }

    /// What the events of a lane have in common.
    pub(super) fn lane(&self, lane_id: LaneId) -> Result<&Arc<LaneKey>, StoreError> {
        self.lanes
            .get(&lane_id)
            .ok_or_else(|| StoreError::Corrupt(format!("an event is in lane {}, which is not there", lane_id.0)))
    }

    /// What an event has in common with others, unless its lane cannot be read: then nobody can tell what holds for it.
    pub(super) fn lane_of(&self, event: &EventRow) -> Result<&Arc<LaneKey>, Refusal> {
        self.lanes.get(&event.lane_id).ok_or_else(|| {
            let why = format!("its lane {} is not there, or cannot be read", event.lane_id.0);
            Refusal::Unreadable(UnreadableRow { table: "events", key: event.event_id.to_string(), why })
        })
    }

    /// The lanes of these keys, in their order; made where they are new.
    pub(super) async fn intern(
        &mut self,
        transaction: &mut dyn Transaction,
        keys: &[&LaneKey],
    ) -> Result<Vec<(LaneId, Arc<LaneKey>)>, StoreError> {
        let mut unknown: Vec<LaneKey> = Vec::new();
        let mut asked = HashSet::new();
        for key in keys {
            if !self.lane_ids.contains_key(*key) && asked.insert(*key) {
                unknown.push((*key).clone());
            }
        }
        if !unknown.is_empty() {
            let made = transaction.intern_lanes(&unknown).await?;
            self.is_uncommitted = true;
            for lane in made {
                self.keep_lane(lane.lane_id, Arc::new(lane.key));
            }
        }
        keys.iter()
            .map(|key| {
                let (key, lane_id) = self
                    .lane_ids
                    .get_key_value(*key)
                    .ok_or_else(|| StoreError::Bug("a lane that was made is not there".to_owned()))?;
                Ok((*lane_id, Arc::clone(key)))
            })
            .collect()
    }

    pub(super) fn lane_facts<'a>(&'a self, key: &'a LaneKey) -> LaneFacts<'a> {
        LaneFacts {
            queue_paused: self.settings.queues.get(&key.queue).is_some_and(|settings| settings.paused),
            event_type_paused: self.settings.event_types.get(&key.event_type).is_some_and(|settings| settings.paused),
            paused_run: self.settings.paused_run(key.suspended_run.as_ref()),
            ..LaneFacts::running(key)
        }
    }

    /// The scenario run of an event, if that is paused.
    pub(super) fn paused_run(&self, event: &EventRow) -> Option<PausedRun<'_>> {
        self.settings.paused_run(event.scenario_run_id.as_ref())
    }

    /// The scenario runs that are paused.
    pub(super) const fn run_pauses(&self) -> &BTreeMap<ScenarioRunId, Pause> {
        &self.settings.pauses.scenario_runs
    }

    pub(super) fn set_run_pause(&mut self, run: ScenarioRunId, pause: Option<Pause>) {
        match pause {
            Some(pause) => drop(self.settings.pauses.scenario_runs.insert(run, pause)),
            None => drop(self.settings.pauses.scenario_runs.remove(&run)),
        }
    }

    /// What waiting does for the events of a lane.
    pub(super) fn precedence(&self, key: &LaneKey) -> Precedence {
        let event_type = self.settings.event_types.get(&key.event_type);
        precedence(event_type, self.settings.queues.get(&key.queue), self.hold_back_after)
    }

    /// What is done about engines that fail the events of a lane more than others do.
    pub(super) fn quarantine_mode(&self, key: &LaneKey) -> QuarantineMode {
        let event_type = self.settings.event_types.get(&key.event_type);
        quarantine_mode(event_type, self.settings.queues.get(&key.queue), self.default_policy.quarantine)
    }

    /// Whether engines that are suspect are kept from the events of a lane.
    pub(super) fn is_enforced(&self, key: &LaneKey) -> bool {
        self.quarantine_mode(key) == QuarantineMode::Enforce
    }

    /// Whether the priority of some events rises while they wait.
    pub(super) fn some_queue_ages(&self) -> bool {
        self.some_queue_ages
    }

    /// Each claim asks for it, and there may be many settings.
    fn look_for_aging(&mut self) {
        let mut all = self.settings.event_types.values().chain(self.settings.queues.values());
        self.some_queue_ages = all.any(|settings| settings.priority_aging_seconds.is_some());
    }

    /// The lanes that an engine could serve, idle and at its best, best priority first.
    pub(super) fn servable_lanes(&mut self, engine: &RegisteredEngine) -> Arc<Vec<LaneId>> {
        self.abilities(engine);
        let Some(copy) = self.engines.get(&engine.engine_id) else { return Arc::default() };
        self.classes.lanes(&copy.class, &self.lanes, self.lanes_version)
    }

    /// How many lanes new events may be put in.
    pub(super) fn active_lanes(&self) -> usize {
        self.lane_ids.len()
    }

    /// The field in which the lanes differ most, and how many values of it there are.
    pub(super) fn most_varied(&self) -> (&'static str, usize) {
        most_varied(self.lane_ids.keys().map(|key| &**key))
    }

    /// How many engines are known beside one, those that have stopped and are not forgotten yet included.
    pub(super) fn known_engines(&self, beside: &EngineId) -> usize {
        let own = usize::from(self.engines.contains_key(beside) || self.stopped.contains(beside));
        self.engines.len() + self.stopped.len() - own
    }

    /// How many event types and how many queues have settings.
    pub(super) fn settings_known(&self) -> (usize, usize) {
        (self.settings.event_types.len(), self.settings.queues.len())
    }

    /// Every lane.
    pub(super) fn lanes(&self) -> Vec<LaneId> {
        self.lanes.keys().copied().collect()
    }

    /// What an engine has in common with all that could serve the same lanes; nothing, if it is not known.
    pub(super) fn class(&self, engine_id: &EngineId) -> Option<&Arc<Abilities>> {
        self.engines.get(engine_id).map(|engine| &engine.class)
    }

    /// Whether engines of a class could serve a lane, idle and at their best, in which a claim looks; or whether that is not
    /// known.
    pub(super) fn may_serve(&self, class: Option<&Abilities>, filter: &ClaimFilter, lane_id: LaneId) -> bool {
        self.lanes
            .get(&lane_id)
            .is_none_or(|key| filter.admits(key) && class.is_none_or(|abilities| could_ever_serve(abilities, key)))
    }

    /// Whether an active engine beside these could ever be given an event of a lane.
    pub(super) fn any_active_beside(&self, engines: &[EngineId], key: &LaneKey) -> bool {
        let of_these = engines.iter().filter(|engine_id| self.is_active_and_fits(engine_id, key)).count();
        self.has_active(of_these + 1, key)
    }

    /// Whether an engine is active, and could ever be given an event of a lane.
    pub(super) fn is_active_and_fits(&self, engine_id: &EngineId, key: &LaneKey) -> bool {
        let engine = self.engines.get(engine_id);
        engine.is_some_and(|engine| engine.is_active && could_ever_serve(&engine.class, key))
    }

    /// Whether so many active engines could ever be given an event of a lane.
    pub(super) fn has_active(&self, count: usize, key: &LaneKey) -> bool {
        self.classes.has_active(count, key)
    }

    /// Whether an engine is registered, as far as this transaction sees.
    pub(super) fn knows_engine(&self, engine_id: &EngineId) -> bool {
        self.engines.contains_key(engine_id)
    }

    /// Whether some registered engine could ever be given an event of this lane.
    pub(super) fn servable(&mut self, lane_id: LaneId, key: &LaneKey, comparisons_left: &mut u64) -> Servable {
        self.classes.servable(lane_id, key, comparisons_left)
    }

    /// The policy that holds for an event.
    pub(super) fn policy(&self, event: &EventRow) -> Result<Policy, StoreError> {
        let key = self.lane(event.lane_id)?;
        Ok(resolve(
            &event.overrides,
            self.settings.event_types.get(&key.event_type),
            self.settings.queues.get(&key.queue),
            &self.default_policy,
        ))
    }

    /// Whether another engine is to retry an event.
    pub(super) fn retry(&self, event: &EventRow) -> Option<Retry> {
        // Where the policy cannot be read, nothing is given out anyway.
        let mode = || self.policy(event).map_or(RetryElsewhere::Off, |policy| policy.retry.retry_elsewhere);
        Retry::of(event.state.tally, mode)
    }

    /// Whether an event is on its last chance.
    pub(super) fn is_final_attempt(&self, event: &EventRow) -> bool {
        // Without a loss there is nothing to look up.
        event.state.tally.losses > 0
            && self.policy(event).is_ok_and(|policy| is_final_attempt(event.state.tally, &policy.retry))
    }

    pub(super) fn event_type(&self, event_type: &EventType) -> Option<SettingsRow> {
        self.settings.event_type(event_type)
    }

    pub(super) fn queue(&self, queue: &QueueName) -> Option<SettingsRow> {
        self.settings.queue(queue)
    }

    pub(super) fn set_event_type(&mut self, event_type: EventType, row: Option<SettingsRow>) {
        let SettingsRows { event_types, pauses, .. } = &mut self.settings;
        put(event_type, row, event_types, &mut pauses.event_types);
        self.look_for_aging();
    }

    pub(super) fn set_queue(&mut self, queue: QueueName, row: Option<SettingsRow>) {
        let SettingsRows { queues, pauses, .. } = &mut self.settings;
        put(queue, row, queues, &mut pauses.queues);
        self.look_for_aging();
    }
}

/// Sets, or forgets, what is set by a name.
fn put<N: Ord + Clone>(
    name: N,
    row: Option<SettingsRow>,
    settings: &mut BTreeMap<N, Settings>,
    pauses: &mut BTreeMap<N, Pause>,
) {
    settings.remove(&name);
    pauses.remove(&name);
    let Some(SettingsRow { settings: set, pause }) = row else { return };
    settings.insert(name.clone(), set);
    pauses.extend(pause.map(|pause| (name, pause)));
}
