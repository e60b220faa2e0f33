//! What an event of a bench carries: the instant at which it was sent, and as many bytes as asked for.

use std::time::Duration;

use enginehouse_core::json::RawJson;

const BEFORE: &str = "{\"sent_us\":";
const BETWEEN: &str = ",\"fill\":\"";
const AFTER: &str = "\"}";
/// The smallest payload, which has room for an instant of a run of many years.
pub(super) const MIN_PAYLOAD_BYTES: usize = 40;

/// A payload of so many bytes. Without an instant, its event is not measured from end to end.
pub(super) fn payload(sent_at: Option<Duration>, bytes: usize) -> RawJson {
    let mut text = String::with_capacity(bytes.max(MIN_PAYLOAD_BYTES));
    text.push_str(BEFORE);
    // 0 says that there is none.
    text.push_str(&sent_at.map_or(0, |sent_at| sent_at.as_micros().max(1)).to_string());
    text.push_str(BETWEEN);
    let fill = bytes.saturating_sub(text.len() + AFTER.len());
    text.extend(std::iter::repeat_n('x', fill));
    text.push_str(AFTER);
    RawJson::trusted(text)
}

/// When it was sent, if that is to be measured.
pub(super) fn sent_at(payload: &RawJson) -> Option<Duration> {
    let (instant, _) = payload.as_str().strip_prefix(BEFORE)?.split_once(',')?;
    instant.parse().ok().filter(|instant| *instant > 0).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_has_its_size_and_its_instant() {
        let hour = Duration::from_secs(3_600);
        for (instant, bytes) in
            [(None, 40), (Some(Duration::from_micros(7)), 40), (Some(hour), 200), (Some(hour), 262_144)]
        {
            let made = payload(instant, bytes);
            assert_eq!(made.as_str().len(), bytes);
            assert_eq!(made.check(), Ok(()));
            assert_eq!(sent_at(&made), instant);
        }
        assert_eq!(sent_at(&RawJson::empty_object()), None, "somebody else's");
    }
}
