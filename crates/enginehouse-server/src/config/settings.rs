//! The table of settings.

mod listener;

use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use enginehouse_core::limits::{
    MAX_LOSSES, MAX_PRECEDENCE_WAIT, MAX_RETRIES, MAX_RETRY_DELAY_SECONDS, MAX_RETRY_MULTIPLIER, MAX_VISIBILITY_TIMEOUT,
};

use enginehouse_store::Durability;
use enginehouse_store::postgres::Pooler;
use strum::VariantArray;

use self::listener::LISTENER;
use super::setting::Setting;
use super::values::LogFormat;

/// Every setting, in the order of the page.
pub const SETTINGS: &[Setting] = &joined();

const fn joined() -> [Setting; LISTENER.len() + OTHERS.len()] {
    let mut all = [LISTENER[0]; LISTENER.len() + OTHERS.len()];
    let mut place = 0;
    while place < all.len() {
        all[place] = if place < LISTENER.len() { LISTENER[place] } else { OTHERS[place - LISTENER.len()] };
        place += 1;
    }
    all
}

const OTHERS: &[Setting] = &[
    Setting {
        name: "instance_name",
        about: "What people call this installation, such as `production` or `render farm 2`; 1 to 40 characters. The header of the dashboard, the title of its tab and `GET /v1/whoami` show it.",
        placeholder: "NAME",
        set: |config, value| {
            let fits = (1..=40).contains(&value.chars().count()) && value.trim() == value;
            if !fits || value.chars().any(char::is_control) {
                return Err(
                    "must be 1 to 40 characters, without control characters and without spaces at its ends".to_owned()
                );
            }
            config.instance_name = Some(value.to_owned());
            Ok(())
        },
        get: |config| config.instance_name.clone().unwrap_or_default(),
    },
    Setting {
        name: "instance_color",
        about: "A colour for the dashboard's header and the icon of its tab, so that nobody takes one installation for another: `red`, `orange`, `yellow`, `green`, `teal`, `blue`, `purple` or `pink`.",
        placeholder: "COLOR",
        set: |config, value| {
            config.instance_color = Some(word(value)?);
            Ok(())
        },
        get: |config| config.instance_color.map_or("", Into::into).to_owned(),
    },
    Setting {
        name: "store",
        about: "Where the rows are. `sqlite://PATH`: a file, relative to the working directory unless the path begins with a slash; it is made if it is not there. `postgres://USER:PASSWORD@HOST:PORT/DATABASE?sslmode=…`: a PostgreSQL database, 14 or newer; any number of servers may share it. Several hosts are given as `HOST1:PORT1,HOST2:PORT2` with `target_session_attrs=read-write`. Anybody who sees a process sees its flags: give an address with a password as the variable or in the file.",
        placeholder: "URL",
        set: |config, value| {
            config.store = value.parse()?;
            Ok(())
        },
        get: |config| config.store.to_string(),
    },
    Setting {
        name: "schema",
        about: "The schema of the tables in PostgreSQL, up to 63 bytes. Servers that share it work together; others on the same database know nothing of each other.",
        placeholder: "NAME",
        set: |config, value| {
            config.schema = value.parse().map_err(|error| format!("{error}"))?;
            Ok(())
        },
        get: |config| config.schema.as_str().to_owned(),
    },
    Setting {
        name: "max_transactions",
        about: "How many transactions a server has under way at once on PostgreSQL; 1 to 64. Each carries whatever is waiting, so few are enough where the database is near; more help where an answer from it takes long. With 2 or more, one more is kept for the calls of engines. A server opens up to this many connections and 8 more. SQLite has one.",
        placeholder: "COUNT",
        set: |config, value| {
            config.max_transactions = number(value, 1, 64)?;
            Ok(())
        },
        get: |config| config.max_transactions.to_string(),
    },
    Setting {
        name: "postgres_pooler",
        about: "What stands between the server and PostgreSQL. `none`: connections are its own, so that statements are prepared once and servers notify each other. `transaction`: a pooler such as PgBouncer in transaction mode. `auto`: it is found out at the start.",
        placeholder: "auto|none|transaction",
        set: |config, value| {
            config.postgres_pooler = match value {
                "auto" => Pooler::Auto,
                "none" => Pooler::None,
                "transaction" => Pooler::Transaction,
                _ => return Err("must be auto, none or transaction".to_owned()),
            };
            Ok(())
        },
        get: |config| match config.postgres_pooler {
            Pooler::Auto => "auto".to_owned(),
            Pooler::None => "none".to_owned(),
            Pooler::Transaction => "transaction".to_owned(),
        },
    },
    Setting {
        name: "durability",
        about: "`full`: what is answered has reached the disk. `relaxed`: a power cut may take back the last commits, a crash of the server alone takes back none, one of PostgreSQL itself may.",
        placeholder: "full|relaxed",
        set: |config, value| {
            config.durability = match value {
                "full" => Durability::Full,
                "relaxed" => Durability::Relaxed,
                _ => return Err("must be full or relaxed".to_owned()),
            };
            Ok(())
        },
        get: |config| match config.durability {
            Durability::Full => "full".to_owned(),
            Durability::Relaxed => "relaxed".to_owned(),
        },
    },
    Setting {
        name: "max_store_mb",
        about: "Largest size of the data file, in MiB; 1 or more. Past it, what would grow the store is answered with 503 `store_unavailable`, and everything else goes on. Without it only the disk limits the file.",
        placeholder: "MIB",
        set: |config, value| {
            let mib: u64 = number(value, 1, 1 << 40)?;
            config.max_store_bytes = Some(mib << 20);
            Ok(())
        },
        get: |config| config.max_store_bytes.map_or_else(String::new, |bytes| (bytes >> 20).to_string()),
    },
    Setting {
        name: "migrate",
        about: "What to do about the store's schema at the start. `auto`: bring it up to date; of several servers that start at once, one does. `check`: refuse to start unless it is up to date, for those who run `enginehouse schema up` or migrations of their own first. `off`: neither look nor migrate. With `auto` and `check`, a schema that a newer version has migrated is worked with unless it has changed too much.",
        placeholder: "auto|check|off",
        set: |config, value| {
            config.migrate = value.parse()?;
            Ok(())
        },
        get: |config| config.migrate.to_string(),
    },
    Setting {
        name: "keep_completed_days",
        about: "How long completed events are kept, in days; 0 to 36,500, fractions allowed.",
        placeholder: "DAYS",
        set: |config, value| {
            config.dispatch.retention.completed = days(value)?;
            Ok(())
        },
        get: |config| in_days(config.dispatch.retention.completed),
    },
    Setting {
        name: "keep_failed_days",
        about: "How long failed and cancelled events are kept, and engines that are stopped or lost, or send no heartbeats and have not called, in days; 0 to 36,500, fractions allowed. Dead letters are kept until they are resolved.",
        placeholder: "DAYS",
        set: |config, value| {
            config.dispatch.retention.failed = days(value)?;
            Ok(())
        },
        get: |config| in_days(config.dispatch.retention.failed),
    },
    Setting {
        name: "keep_audit_days",
        about: "How long entries of the audit log are kept, in days; 0 to 36,500, fractions allowed. What is left of the chain can still be verified.",
        placeholder: "DAYS",
        set: |config, value| {
            config.dispatch.retention.audit = days(value)?;
            Ok(())
        },
        get: |config| in_days(config.dispatch.retention.audit),
    },
    Setting {
        name: "visibility_timeout_seconds",
        about: "How long a lock lasts unless extended or renewed by heartbeats, in seconds; 1 to 604,800. Event types, queues, events and claims may say otherwise.",
        placeholder: "SECONDS",
        set: |config, value| {
            let seconds = number(value, 1, MAX_VISIBILITY_TIMEOUT.as_secs())?;
            config.dispatch.default_policy.visibility_timeout = Duration::from_secs(seconds);
            Ok(())
        },
        get: |config| config.dispatch.default_policy.visibility_timeout.as_secs().to_string(),
    },
    Setting {
        name: "max_retries",
        about: "How many failed attempts of an event are retried; 0 to 1,000. Event types, queues and events may say otherwise, here and in the six settings below.",
        placeholder: "N",
        set: |config, value| {
            config.dispatch.default_policy.retry.max_retries = number(value, 0, MAX_RETRIES)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.retry.max_retries.to_string(),
    },
    Setting {
        name: "retry_delay_initial",
        about: "How long an event waits before its first retry, in seconds; 0 to 2,592,000.",
        placeholder: "SECONDS",
        set: |config, value| {
            config.dispatch.default_policy.retry.retry_delay.initial = number(value, 0.0, MAX_RETRY_DELAY_SECONDS)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.retry.retry_delay.initial.to_string(),
    },
    Setting {
        name: "retry_delay_max",
        about: "The longest wait before a retry, jitter aside, in seconds; 0 to 2,592,000.",
        placeholder: "SECONDS",
        set: |config, value| {
            config.dispatch.default_policy.retry.retry_delay.max = number(value, 0.0, MAX_RETRY_DELAY_SECONDS)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.retry.retry_delay.max.to_string(),
    },
    Setting {
        name: "retry_delay_multiplier",
        about: "How much longer each retry waits than the one before; 1 to 1,000.",
        placeholder: "X",
        set: |config, value| {
            config.dispatch.default_policy.retry.retry_delay.multiplier = number(value, 1.0, MAX_RETRY_MULTIPLIER)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.retry.retry_delay.multiplier.to_string(),
    },
    Setting {
        name: "retry_delay_jitter",
        about: "The largest part that chance adds to a wait, so that a fleet's failures spread; 0 to 1. It never shortens a wait.",
        placeholder: "PART",
        set: |config, value| {
            config.dispatch.default_policy.retry.retry_delay.jitter = number(value, 0.0, 1.0)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.retry.retry_delay.jitter.to_string(),
    },
    Setting {
        name: "dead_letter_threshold",
        about: "How many failures make an event that an engine rejects (`retryable: false`) a dead letter; 1 to 1,000. One whose retries are exhausted always is.",
        placeholder: "N",
        set: |config, value| {
            config.dispatch.default_policy.retry.dead_letter_threshold = number(value, 1, MAX_RETRIES)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.retry.dead_letter_threshold.to_string(),
    },
    Setting {
        name: "max_losses",
        about: "How many lost locks an event is forgiven before it is a dead letter; 0 to 1,000.",
        placeholder: "N",
        set: |config, value| {
            config.dispatch.default_policy.retry.max_losses = number(value, 0, MAX_LOSSES)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.retry.max_losses.to_string(),
    },
    Setting {
        name: "retry_elsewhere",
        about: "Whether an event that an engine has failed is retried by another one: `prefer` one for up to 30 seconds, `require` one, or `off`.",
        placeholder: "prefer|require|off",
        set: |config, value| {
            config.dispatch.default_policy.retry.retry_elsewhere = word(value)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.retry.retry_elsewhere.name().to_owned(),
    },
    Setting {
        name: "quarantine",
        about: "What is done about engines that fail more than others do at the same work: `off` is nothing, `advise` names them as suspects, `enforce` keeps them from such events for a while, too.",
        placeholder: "off|advise|enforce",
        set: |config, value| {
            config.dispatch.default_policy.quarantine = word(value)?;
            Ok(())
        },
        get: |config| config.dispatch.default_policy.quarantine.name().to_owned(),
    },
    Setting {
        name: "max_cpu_percent",
        about: "An engine whose last heartbeat reports more processor time than this, in percent of one core, gets no new events; 1 to 1,000,000. Off by default.",
        placeholder: "PERCENT",
        set: |config, value| {
            config.dispatch.max_cpu_percent = Some(number(value, 1.0, 1e6)?);
            Ok(())
        },
        get: |config| config.dispatch.max_cpu_percent.map_or_else(String::new, |percent| percent.to_string()),
    },
    Setting {
        name: "hold_back_after_seconds",
        about: "After how long an event that waits, and that others pass because they fit where it does not, an engine is held back for it, in seconds; 0 to 2,592,000, and 0 for never. Event types and queues may say otherwise.",
        placeholder: "SECONDS",
        set: |config, value| {
            let seconds = number(value, 0, MAX_PRECEDENCE_WAIT.as_secs())?;
            config.dispatch.hold_back_after = Some(seconds).filter(|seconds| *seconds > 0).map(Duration::from_secs);
            Ok(())
        },
        get: |config| config.dispatch.hold_back_after.map_or(0, |wait| wait.as_secs()).to_string(),
    },
    Setting {
        name: "max_lanes",
        about: "How many lanes there may be: kinds of events that engines can tell apart, by queue, event type, priority and requirements; 1 to 100,000. An event that needs one more is refused with 429 `limit_reached`, which names the field that varies most; `enginehouse.enqueue` refuses it too.",
        placeholder: "N",
        set: |config, value| {
            config.dispatch.caps.max_lanes = number(value, 1, 100_000)?;
            Ok(())
        },
        get: |config| config.dispatch.caps.max_lanes.to_string(),
    },
    Setting {
        name: "max_engines",
        about: "How many engines there may be, those included that have stopped and are not forgotten yet; 1 to 1,000,000. A new one past it is refused with 429 `limit_reached`.",
        placeholder: "N",
        set: |config, value| {
            config.dispatch.caps.max_engines = number(value, 1, 1_000_000)?;
            Ok(())
        },
        get: |config| config.dispatch.caps.max_engines.to_string(),
    },
    Setting {
        name: "max_queued_per_queue",
        about: "How many events may wait in one queue; 1 or more. Requests that would add more are refused with 429 `limit_reached`. Events that are added in SQL count, but are not refused. No limit by default.",
        placeholder: "N",
        set: |config, value| {
            config.dispatch.caps.max_queued_per_queue = Some(number(value, 1, u64::MAX)?);
            Ok(())
        },
        get: |config| config.dispatch.caps.max_queued_per_queue.map_or_else(String::new, |most| most.to_string()),
    },
    Setting {
        name: "max_connections",
        about: "How many HTTP connections may be open at once; 1 to 1,000,000. One address (of IPv6: one /64 network) may have as many as are left for all others, which is half of them if it is alone: behind a proxy, allow twice as many. For one more, the connection that has been idle for longest is closed; if none is, a connection over the share of its address is answered with 429 `overloaded`, and one over the whole waits to be accepted.",
        placeholder: "N",
        set: |config, value| {
            config.limits.max_connections = number(value, 1, 1_000_000)?;
            Ok(())
        },
        get: |config| config.limits.max_connections.to_string(),
    },
    Setting {
        name: "max_requests_per_second_per_token",
        about: "How many calls a second one access token may make that enqueue or read; 1 to 1,000,000. Heartbeats, claims, settles and what operators change are not counted. Past it, calls are answered with 429 `quota_exceeded`. No limit by default: tokens [have shares](security.md#shares) of what there is in any case.",
        placeholder: "N",
        set: |config, value| {
            config.limits.max_requests_per_second_per_token = Some(number(value, 1, 1_000_000)?);
            Ok(())
        },
        get: |config| config.limits.max_requests_per_second_per_token.map_or_else(String::new, |most| most.to_string()),
    },
    Setting {
        name: "max_events_per_second_per_token",
        about: "How many events a second may be enqueued with one access token; 1 to 10,000,000. A batch may be larger, and the ones after it have to wait for longer then. Past it, calls are answered with 429 `quota_exceeded`, and a stream of lines is read more slowly. No limit by default.",
        placeholder: "N",
        set: |config, value| {
            config.limits.max_events_per_second_per_token = Some(number(value, 1, 10_000_000)?);
            Ok(())
        },
        get: |config| config.limits.max_events_per_second_per_token.map_or_else(String::new, |most| most.to_string()),
    },
    Setting {
        name: "max_bulk_mb",
        about: "How many MiB the bodies of requests that enqueue may take at once, and as many again answers that are only read; 1 to 1,048,576. A body takes what has arrived of it until it is parsed, an answer what the client has not taken yet; the first 16 KiB of each are free. One address may have as much as is left for all others. Past it, requests are answered with 429 `overloaded`.",
        placeholder: "MIB",
        set: |config, value| {
            config.limits.max_bulk_bytes = number(value, 1, 1 << 20).map(|mib: usize| mib << 20)?;
            Ok(())
        },
        get: |config| (config.limits.max_bulk_bytes >> 20).to_string(),
    },
    Setting {
        name: "max_control_mb",
        about: "The same for all other requests, such as heartbeats, claims and settles, and their answers; 1 to 1,048,576. What goes beyond 1 MiB of a body counts as bulk. Events that were claimed are released where there is no room to send them.",
        placeholder: "MIB",
        set: |config, value| {
            config.limits.max_control_bytes = number(value, 1, 1 << 20).map(|mib: usize| mib << 20)?;
            Ok(())
        },
        get: |config| (config.limits.max_control_bytes >> 20).to_string(),
    },
    Setting {
        name: "max_streams",
        about: "How many streams of lines may be enqueued at once; 1 to 100,000. One address may have as many as are left for all others. Past it, one more is answered with 429 `overloaded`.",
        placeholder: "N",
        set: |config, value| {
            config.limits.max_streams = number(value, 1, 100_000)?;
            Ok(())
        },
        get: |config| config.limits.max_streams.to_string(),
    },
    Setting {
        name: "min_bytes_per_second",
        about: "How fast a client has to send a body and to take an answer, in bytes a second; 1 to 1,000,000. One that falls 10 s behind with a body is answered with 408 `timeout`, one that falls 30 s behind with an answer is disconnected. Time in which the server keeps the client waiting does not count.",
        placeholder: "BYTES",
        set: |config, value| {
            config.limits.min_bytes_per_second = number(value, 1, 1_000_000)?;
            Ok(())
        },
        get: |config| config.limits.min_bytes_per_second.to_string(),
    },
    Setting {
        name: "max_waiting_requests",
        about: "How many requests may wait for the store; 1 to 1,000,000. Past half of it enqueues are answered with 429 `overloaded`, past three quarters claims, past all of it everything.",
        placeholder: "N",
        set: |config, value| {
            config.dispatch.max_waiting_requests = number(value, 1, 1_000_000)?;
            Ok(())
        },
        get: |config| config.dispatch.max_waiting_requests.to_string(),
    },
    Setting {
        name: "shutdown_timeout_seconds",
        about: "How long a shutdown may take before connections are cut, in seconds; 1 to 3,600.",
        placeholder: "SECONDS",
        set: |config, value| {
            config.shutdown_timeout = Duration::from_secs(number(value, 1, 3_600)?);
            Ok(())
        },
        get: |config| config.shutdown_timeout.as_secs().to_string(),
    },
    Setting {
        name: "log",
        about: "What is logged: `error`, `warn`, `info`, `debug` or `trace`, or a list of targets and levels such as `info,enginehouse_server=debug`.",
        placeholder: "FILTER",
        set: |config, value| {
            let is_level = |text: &str| ["off", "error", "warn", "info", "debug", "trace"].contains(&text);
            let is_directive = |text: &str| match text.split_once('=') {
                Some((target, level)) => !target.is_empty() && is_level(level),
                None => is_level(text),
            };
            if !value.split(',').all(is_directive) {
                return Err("must be a level (error, warn, info, debug, trace), or target=level, separated by commas"
                    .to_owned());
            }
            config.log = value.to_owned();
            Ok(())
        },
        get: |config| config.log.clone(),
    },
    Setting {
        name: "log_requests",
        about: "Whether each request is logged once it is answered, at level `info`, whatever `log` says: its id, who made it, method, path without the query, route, status, the code of a problem, and how long it took. See [operations](operations.md#logs).",
        placeholder: "BOOL",
        set: |config, value| {
            config.log_requests = value.parse().map_err(|_| "must be true or false".to_owned())?;
            Ok(())
        },
        get: |config| config.log_requests.to_string(),
    },
    Setting {
        name: "log_format",
        about: "`text` for people, `json` for one object a line, without objects in it; so is the line on stdout that says where the server listens.",
        placeholder: "text|json",
        set: |config, value| {
            config.log_format = match value {
                "text" => LogFormat::Text,
                "json" => LogFormat::Json,
                _ => return Err("must be text or json".to_owned()),
            };
            Ok(())
        },
        get: |config| match config.log_format {
            LogFormat::Text => "text".to_owned(),
            LogFormat::Json => "json".to_owned(),
        },
    },
];

fn number<N: FromStr + PartialOrd + Display>(value: &str, min: N, max: N) -> Result<N, String> {
    let within = |number: &N| *number >= min && *number <= max;
    value.parse().ok().filter(within).ok_or_else(|| format!("must be a number from {min} to {max}"))
}

/// One of the words of an enum.
fn word<T: FromStr + VariantArray + Copy + Into<&'static str>>(value: &str) -> Result<T, String> {
    value.parse().map_err(|_| {
        let words: Vec<&str> = T::VARIANTS.iter().map(|word| (*word).into()).collect();
        format!("must be one of {}", words.join(", "))
    })
}

fn days(value: &str) -> Result<Duration, String> {
    number(value, 0.0, 36_500.0).map(|days: f64| Duration::from_secs_f64(days * 86_400.0))
}

fn in_days(kept: Duration) -> String {
    (kept.as_secs_f64() / 86_400.0).to_string()
}
