//! Every number that a user can run into. Sizes in bytes unless the name says otherwise.

use std::time::Duration;

/// Longest name, in characters.
pub const MAX_NAME_LENGTH: usize = 200;
/// Largest body of a request.
pub const MAX_BODY_BYTES: usize = 1024 * 1024;
/// Largest body of a request that carries a batch.
pub const MAX_BATCH_BODY_BYTES: usize = 64 * 1024 * 1024;
/// Largest payload or result of one event.
pub const MAX_PAYLOAD_BYTES: usize = 256 * 1024;
/// Deepest nesting of a payload or result.
pub const MAX_JSON_DEPTH: usize = 64;
/// The longest time after which something is done about events that nobody can run.
pub const MAX_BLOCKED: Duration = Duration::from_secs(30 * 86_400);
/// Most events in one batch, and most settlements in one call.
pub const MAX_BATCH: usize = 10_000;
/// Priority of an event that names none.
pub const DEFAULT_PRIORITY: u8 = 5;
/// The last priority; 0 is the first.
pub const MAX_PRIORITY: u8 = 9;
/// Events of a claim that names no limit.
pub const DEFAULT_CLAIM_LIMIT: u32 = 3;
/// Most bytes of payloads that one claim is given, unless a single event has more.
pub const MAX_CLAIM_BYTES: usize = 16 * 1024 * 1024;
/// Most events of one claim, and of an engine that declares no `max_concurrent_events`.
pub const MAX_CLAIM_LIMIT: u32 = 1_000;
/// Longest wait of a claim.
pub const MAX_WAIT: Duration = Duration::from_secs(60);
/// How long a lock lasts unless anything says otherwise.
pub const DEFAULT_VISIBILITY_TIMEOUT: Duration = Duration::from_secs(300);
/// Longest visibility timeout: 7 days.
pub const MAX_VISIBILITY_TIMEOUT: Duration = Duration::from_secs(7 * 86_400);
/// Longest `max_processing_seconds`: 30 days.
pub const MAX_PROCESSING: Duration = Duration::from_secs(30 * 86_400);
/// Longest `progress_timeout_seconds`: 30 days.
pub const MAX_PROGRESS_TIMEOUT: Duration = MAX_PROCESSING;
/// Largest checkpoint of an attempt.
pub const MAX_CHECKPOINT_BYTES: usize = 16 * 1024;
/// How much of the log of an attempt is kept, and most of it in one report.
pub const MAX_LOG_BYTES: usize = 64 * 1024;
/// Most texts of a log in one report. Each may have several lines.
pub const MAX_LOG_TEXTS: usize = 1_000;
/// Longest URL of a log, in characters.
pub const MAX_LOG_URL_LENGTH: usize = 2_000;
/// Longest message of a progress, in characters; a longer one is cut.
pub const MAX_PROGRESS_MESSAGE_LENGTH: usize = 500;
/// Most time of a processor that one attempt may report, in seconds.
pub const MAX_USAGE_SECONDS: f64 = 1e9;
/// Longest `idempotency_window_seconds`: 366 days.
pub const MAX_IDEMPOTENCY_WINDOW: Duration = Duration::from_secs(366 * 86_400);
/// Longest `expires_after_seconds`: a leap year.
pub const MAX_EXPIRES_AFTER: Duration = Duration::from_secs(366 * 86_400);
/// Longest delay, in seconds: 366 days.
pub const MAX_DELAY_SECONDS: f64 = 366.0 * 86_400.0;
/// Heartbeat interval of an engine that names none.
pub const DEFAULT_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(10);
/// Longest heartbeat interval.
pub const MAX_HEARTBEAT_INTERVAL: Duration = Duration::from_secs(300);
/// After how many intervals without a heartbeat an engine is lost.
pub const LOST_AFTER_INTERVALS: u32 = 3;
/// How many heartbeats may leave out a lock before it is released.
pub const MAX_UNLISTED_HEARTBEATS: u8 = 2;
/// How long an event waits where nobody says otherwise, while others pass it, until an engine is held back for it.
pub const HOLD_BACK_AFTER: Duration = Duration::from_secs(60);
/// Longest `hold_back_after_seconds` and `priority_aging_seconds`: 30 days.
pub const MAX_PRECEDENCE_WAIT: Duration = Duration::from_secs(30 * 86_400);
/// Most `max_retries` and `dead_letter_threshold`.
pub const MAX_RETRIES: u32 = 1_000;
/// Most `max_losses`.
pub const MAX_LOSSES: u32 = 1_000;
/// Longest retry delay, in seconds: 30 days.
pub const MAX_RETRY_DELAY_SECONDS: f64 = 30.0 * 86_400.0;
/// Largest multiplier of a retry delay.
pub const MAX_RETRY_MULTIPLIER: f64 = 1_000.0;
/// Most capabilities of an engine, or required by an event.
pub const MAX_CAPABILITIES: usize = 64;
/// Largest memory requirement or limit, in MiB: 1 PiB.
pub const MAX_MEMORY_MB: u64 = 1 << 30;
/// Most event types, and most queues, that have settings of their own.
pub const MAX_SETTINGS: usize = 10_000;
/// Most scenario runs that are paused at once: the events of each stand in lanes of their own.
pub const MAX_PAUSED_RUNS: usize = 100;
/// Most labels of an event.
pub const MAX_LABELS: usize = 32;
/// Longest value of a label, and longest idempotency key, in characters.
pub const MAX_LABEL_LENGTH: usize = 256;
/// Longest `engine_version` requirement, and longest version that durations are kept by, in characters.
pub const MAX_VERSION_LENGTH: usize = 128;
/// Most event types of which the durations are kept, each day.
pub const MAX_DURATION_TYPES: usize = 10_000;
/// Most versions of engines that durations of an event type are told apart by, each day. The rest count as one.
pub const MAX_DURATION_VERSIONS: usize = 10;
/// For how long durations are kept.
pub const DURATIONS_KEPT: Duration = Duration::from_secs(30 * 86_400);
/// Most queues with an event type that one server tells apart in what happened each minute. The rest count as one.
pub const MAX_MINUTE_PAIRS: usize = 500;
/// For how long is kept what happened each minute.
pub const MINUTES_KEPT: Duration = Duration::from_secs(72 * 3_600);
/// Most event types that one quarantine names.
pub const MAX_QUARANTINED_TYPES: usize = 100;
/// Longest error code, in characters.
pub const MAX_ERROR_CODE_LENGTH: usize = 100;
/// Longest error message; a longer one is cut at a character.
pub const MAX_ERROR_MESSAGE_BYTES: usize = 8 * 1024;
/// Largest details of an error.
pub const MAX_ERROR_DETAILS_BYTES: usize = 16 * 1024;
/// Largest metadata of an engine.
pub const MAX_METADATA_BYTES: usize = 64 * 1024;
/// Most queues or event types that a claim may name.
pub const MAX_CLAIM_FILTERS: usize = 200;
/// Items of a list that names no limit.
pub const DEFAULT_PAGE: u32 = 50;
/// Most items of one page of a list.
pub const MAX_PAGE: u32 = 1_000;
/// Most lock tokens that one heartbeat may list.
pub const MAX_LOCK_TOKENS: usize = 1_000;
/// How much an answer repeats of what a caller has sent, in characters of each part.
pub const MAX_ECHO_LENGTH: usize = 100;
/// Most access tokens that a store keeps, those that are over included.
pub const MAX_TOKENS: u64 = 10_000;
/// Most selectors of one kind that a token has.
pub const MAX_SELECTORS: usize = 100;
/// Most addresses and networks from which a token may be used.
pub const MAX_ALLOWED_ADDRESSES: usize = 100;
/// Longest life of a token: ten years.
pub const MAX_TOKEN_LIFE: Duration = Duration::from_secs(3_650 * 86_400);
/// Shortest life of a token.
pub const MIN_TOKEN_LIFE: Duration = Duration::from_secs(60);
/// Longest time for which the secret from before a rotation goes on to be taken.
pub const MAX_TOKEN_OVERLAP: Duration = Duration::from_secs(90 * 86_400);
/// Most bad fields that the answer to one request names.
pub const MAX_FIELD_ERRORS: usize = 1_000;
/// Longest filter, in characters.
pub const MAX_FILTER_LENGTH: usize = 2_000;
/// Most terms of a filter.
pub const MAX_FILTER_TERMS: usize = 50;
/// Most terms of a filter that ask for something in payloads, each of which reads the payload anew.
pub const MAX_FILTER_PAYLOAD_TERMS: usize = 4;
/// Most values of one term of a filter.
pub const MAX_FILTER_VALUES: usize = 100;
/// Most members of one operation.
pub const MAX_OPERATION_MEMBERS: u64 = 1_000_000;
/// Most operations that go on at once.
pub const MAX_UNFINISHED_OPERATIONS: u32 = 100;
/// Most of them that one caller has created.
pub const MAX_UNFINISHED_OPERATIONS_OF_ONE: usize = 10;
/// For how long operations are kept after their end.
pub const OPERATIONS_KEPT: Duration = Duration::from_secs(30 * 86_400);
