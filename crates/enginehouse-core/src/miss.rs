//! What keeps every registered engine from an event for good, and how little it is.

use std::collections::{BTreeSet, HashMap};
use std::fmt;

use crate::engine::Abilities;
use crate::gates::{ClaimFilter, EngineFacts, Gate, LaneFacts, Shortfall};
use crate::ids::Capability;
use crate::lane::LaneKey;
use crate::nearest_name::nearest_name;

/// The engines that are nearest to being able to run an event, although none of them ever could.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct NearestMiss {
    /// How many engines lack just this.
    pub engines: u64,
    /// Capabilities that they lack.
    pub lacks: Vec<Capability>,
    /// The version that one of them has, and the range that it would have to be in.
    pub version: Option<(Option<String>, String)>,
    /// How much memory one of them declares, and how much it would have to, in MiB.
    pub memory_mb: Option<(Option<u64>, u64)>,
    /// A capability that no engine has, and one that some engine has and that is spelt almost like it.
    pub similar: Option<(Capability, Capability)>,
}

/// Among how many names one that is spelt alike is looked for.
const MAX_NAMES: usize = 500;

/// What tells engines apart that miss an event by different things.
type MissKind = (Vec<Capability>, bool, bool);

/// What keeps engines with these abilities from the events of a lane, given how many engines have them: what those lack that
/// lack least. None, if some could run them, or if there are no engines.
pub fn nearest_miss<'a>(
    classes: impl Iterator<Item = (&'a Abilities, u64)> + Clone,
    key: &LaneKey,
) -> Option<NearestMiss> {
    let mut kinds: HashMap<MissKind, u64> = HashMap::new();
    let mut nearest: Option<((usize, usize, u64), NearestMiss)> = None;
    for (abilities, engines) in classes.clone() {
        let miss = NearestMiss::of(abilities, key);
        let things = usize::from(!miss.lacks.is_empty())
            + usize::from(miss.version.is_some())
            + usize::from(miss.memory_mb.is_some());
        if things == 0 {
            return None;
        }
        *kinds.entry(miss.kind()).or_default() += engines;
        let missing_mb = miss.memory_mb.map_or(0, |(declared, required)| required - declared.unwrap_or(0));
        let effort = (things, miss.lacks.len(), missing_mb);
        if nearest.as_ref().is_none_or(|(least, _)| effort < *least) {
            nearest = Some((effort, miss));
        }
    }
    let (_, miss) = nearest?;
    let known: BTreeSet<_> = classes.flat_map(|(abilities, _)| &abilities.capabilities).take(MAX_NAMES).collect();
    // A capability that one of the others has is no slip of the pen.
    let similar = miss.lacks.iter().filter(|lacking| !known.contains(lacking)).find_map(|lacking| {
        let meant = nearest_name(lacking.as_str(), known.iter().map(|name| name.as_str()))?;
        Some((lacking.clone(), meant.parse().ok()?))
    });
    let engines = kinds.get(&miss.kind()).copied().unwrap_or(0);
    Some(NearestMiss { engines, similar, ..miss })
}

impl NearestMiss {
    fn of(abilities: &Abilities, key: &LaneKey) -> Self {
        let idle = EngineFacts::idle(abilities);
        let lane = LaneFacts::running(key);
        let check = |gate: Gate| gate.check(&idle, &lane, &ClaimFilter::default()).err();
        let lacks = match check(Gate::Capabilities) {
            Some(Shortfall::Lacks(capabilities)) => capabilities,
            _ => Vec::new(),
        };
        let version = match check(Gate::Version) {
            Some(Shortfall::VersionOutside { required, version }) => Some((version, required)),
            _ => None,
        };
        let memory_mb =
            check(Gate::Memory).and(key.required_memory_mb).map(|required| (abilities.memory_limit_mb, required));
        Self { engines: 0, lacks, version, memory_mb, similar: None }
    }

    fn kind(&self) -> MissKind {
        (self.lacks.clone(), self.version.is_some(), self.memory_mb.is_some())
    }
}

/// "the capability gpu and 512 MiB of memory_limit_mb, of which it declares 256".
impl fmt::Display for NearestMiss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut things = Vec::new();
        if !self.lacks.is_empty() {
            things.push(capability_names(&self.lacks));
        }
        things.extend(self.version.as_ref().map(|(version, required)| match version {
            Some(version) => format!("the version, which is {version} and must be in {required}"),
            None => format!("the version, which is not declared and must be in {required}"),
        }));
        things.extend(self.memory_mb.map(|(declared, required)| match declared {
            Some(declared) => format!("the memory_limit_mb, which is {declared} and must be {required}"),
            None => format!("the memory_limit_mb, which is not declared and must be {required}"),
        }));
        f.write_str(&things.join(" and "))?;
        if let Some((lacking, known)) = &self.similar {
            write!(f, " (no engine has {lacking}; did you mean {known}?)")?;
        }
        Ok(())
    }
}

/// "the capability gpu", "the capabilities cuda-12, gpu".
pub fn capability_names(capabilities: &[Capability]) -> String {
    let names: Vec<_> = capabilities.iter().map(Capability::as_str).collect();
    let noun = if names.len() == 1 { "capability" } else { "capabilities" };
    format!("the {noun} {}", names.join(", "))
}
