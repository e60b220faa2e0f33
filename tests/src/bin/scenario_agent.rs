//! The engine of the scenarios, by the Rust client: it does what the payload of each event says, and answers calls on stdin. Those of
//! the other SDKs do the same; `sdks/scenarios/README.md` says what.

#![expect(clippy::print_stdout, reason = "it is driven by lines")]

use std::collections::HashMap;
use std::io::BufRead;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use enginehouse_client::{
    Client, Context, Engine, EngineError, EngineSummary, Error, HandlerError, Reject, Release, Retry, RunError, State,
    StopReason,
};
use enginehouse_core::json::RawJson;
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Value, json};
use tokio::sync::watch;

#[derive(serde::Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct AgentOptions {
    engine: Option<bool>,
    engine_type: Option<String>,
    engine_id: Option<String>,
    capabilities: Vec<String>,
    concurrency: Option<u32>,
    memory_limit_mb: Option<u64>,
    queues: Vec<String>,
    heartbeat_interval_seconds: Option<u64>,
    takeover: Option<bool>,
    grace_seconds: Option<f64>,
    stop_wait_seconds: Option<f64>,
    /// Rust's handlers are futures; those that compute run on threads of their own.
    executor: Option<String>,
}

#[derive(serde::Deserialize)]
struct Script {
    #[serde(default)]
    attempts: Vec<Vec<HashMap<String, Box<RawValue>>>>,
    value: Option<Box<RawValue>>,
}

#[derive(serde::Deserialize)]
struct Busy {
    seconds: f64,
}

#[derive(serde::Deserialize)]
struct Order {
    #[expect(dead_code, reason = "an order without it is none")]
    sku: String,
    qty: u64,
}

#[derive(serde::Deserialize, Default)]
#[serde(default)]
struct StepEnd {
    message: Option<String>,
    code: Option<String>,
    after_seconds: Option<f64>,
    delay_seconds: Option<f64>,
}

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Thrown(String);

/// The names that stdin has let go.
type Gone = watch::Receiver<Vec<String>>;

fn line(value: &Value) {
    println!("{value}");
}

async fn work(State(gone): State<Gone>, script: Script, context: Context) -> Result<Box<RawValue>, HandlerError> {
    let event_id = context.event().event_id.to_string();
    line(&json!({ "handler": "started", "event_id": event_id, "attempt": context.attempt() }));
    let ended = steps(gone, script, &context, &event_id).await;
    line(&json!({ "handler": "ended", "event_id": event_id }));
    ended
}

async fn steps(
    gone: Arc<Gone>,
    script: Script,
    context: &Context,
    event_id: &str,
) -> Result<Box<RawValue>, HandlerError> {
    let number = (context.attempt() as usize).min(script.attempts.len());
    let null = || RawValue::from_string("null".to_owned()).expect("it is JSON");
    let Some(list) = number.checked_sub(1).and_then(|index| script.attempts.get(index)) else { return Ok(null()) };
    for (step, argument) in list.iter().flatten() {
        let text = || serde_json::from_str::<String>(argument.get()).expect("a text");
        let ending = || serde_json::from_str::<StepEnd>(argument.get()).expect("how it ends");
        match step.as_str() {
            "say" => line(&json!({ "handler": "said", "event_id": event_id, "text": text() })),
            "say_previous" => {
                let checkpoint = context.previous().and_then(|previous| previous.checkpoint.as_ref());
                let text = checkpoint.map_or("null", RawJson::as_str);
                line(&json!({ "handler": "said", "event_id": event_id, "text": text }));
            }
            "progress" => {
                let progress: Value = serde_json::from_str(argument.get())?;
                context.progress(progress["percent"].as_f64(), progress["message"].as_str());
            }
            "checkpoint" => context.checkpoint(argument)?,
            "log" => context.log(&text()),
            "wait" => {
                let name = text();
                let mut gone = (*gone).clone();
                gone.wait_for(|names| names.contains(&name)).await?;
            }
            "wait_stopped" => {
                let reason = match context.stopped().await {
                    StopReason::Cancelled => "cancelled",
                    StopReason::LockLost => "lock_lost",
                    StopReason::TimedOut => "timed_out",
                    StopReason::ShuttingDown => "shutting_down",
                };
                line(&json!({ "handler": "stopped", "event_id": event_id, "reason": reason }));
            }
            "complete" => return Ok(argument.clone()),
            "echo" => return Ok(script.value.unwrap_or_else(null)),
            "throw" => return Err(Thrown(text()).into()),
            "retry" => {
                let StepEnd { message, code, after_seconds, .. } = ending();
                let seconds = after_seconds.map(Duration::from_secs_f64);
                let mut retry = seconds.map_or_else(Retry::default, Retry::after);
                if let Some(message) = message {
                    retry = retry.because(message);
                }
                return Err(code.into_iter().fold(retry, Retry::code).into());
            }
            "reject" => {
                let StepEnd { message, code, .. } = ending();
                let reject = Reject::new(message.unwrap_or_default());
                return Err(code.into_iter().fold(reject, Reject::code).into());
            }
            "release" => {
                let delay = ending().delay_seconds.map(Duration::from_secs_f64);
                return Err(delay.map_or_else(Release::now, Release::for_later).into());
            }
            "exit" => std::process::exit(serde_json::from_str(argument.get())?),
            _ => return Err(Reject::new(format!("no step is called {step}")).into()),
        }
    }
    Ok(null())
}

async fn busy(Busy { seconds }: Busy) -> Result<Value, HandlerError> {
    let burnt = tokio::task::spawn_blocking(move || {
        let began = tokio::time::Instant::now();
        while began.elapsed().as_secs_f64() < seconds {
            std::hint::spin_loop();
        }
    });
    burnt.await?;
    Ok(json!({ "burnt": seconds }))
}

async fn order(order: Order) -> Result<Value, HandlerError> {
    Ok(json!({ "total": order.qty * 2 }))
}

/// What is asked on stdin, one call a line.
#[derive(serde::Deserialize)]
struct AgentCall {
    id: Option<u64>,
    call: Option<String>,
    #[serde(default)]
    args: Option<Box<RawValue>>,
    go: Option<String>,
}

async fn answered(client: &Client, call: &str, args: &str) -> Result<Box<RawValue>, Error> {
    fn raw(answer: &impl serde::Serialize) -> Box<RawValue> {
        to_raw_value(answer).expect("answers are JSON")
    }
    let id = || {
        let args: Value = serde_json::from_str(args).expect("arguments are JSON");
        args["event_id"].as_str().and_then(|id| id.parse().ok()).expect("the id of an event")
    };
    Ok(match call {
        "enqueue" | "enqueue_event" => {
            raw(&client.enqueue(&serde_json::from_str(args).expect("an event to enqueue")).await?)
        }
        "enqueue_many" | "enqueue_batch" => {
            raw(&client.enqueue_batch(&serde_json::from_str(args).expect("events to enqueue")).await?)
        }
        "get_event" => raw(&client.event(id()).await?),
        "cancel_event" => raw(&client.cancel(id(), Default::default()).await?),
        "get_stats" => raw(&client.stats().await?),
        _ => panic!("no call is named {call}"),
    })
}

fn problem(error: &Error) -> Value {
    match error {
        Error::Problem(problem) => json!({
            "code": problem.code, "status": problem.status, "applied": problem.applied,
            "retry_after_seconds": problem.retry_after_seconds,
        }),
        _ => {
            json!({ "code": "unreachable", "status": null, "applied": if error.maybe_applied() { "unknown" } else { "no" } })
        }
    }
}

async fn listen(client: Client, go: watch::Sender<Vec<String>>) {
    let (sender, mut lines) = tokio::sync::mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for read in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(read).is_err() {
                return;
            }
        }
    });
    while let Some(read) = lines.recv().await {
        let asked: AgentCall = serde_json::from_str(&read).expect("a line that asks for something");
        if let Some(name) = asked.go {
            go.send_modify(|names| names.push(name));
        }
        let Some(call) = asked.call else { continue };
        let args = asked.args.as_ref().map_or("{}", |args| args.get());
        // Raw, so that every digit of an answer is there.
        match answered(&client, &call, args).await {
            Ok(answer) => println!("{{\"id\":{},\"answer\":{}}}", asked.id.unwrap_or_default(), answer.get()),
            Err(error) => line(&json!({ "id": asked.id, "problem": problem(&error) })),
        }
    }
    // Whoever waits for a name, waits on.
    go.closed().await;
}

fn engine(options: AgentOptions, gone: Gone) -> Engine<Gone> {
    let mut engine = Engine::with_state(options.engine_type.unwrap_or_else(|| "agent".to_owned()), gone)
        .on("work", work)
        .on("busy", busy)
        .on("order.created", order)
        .capabilities(options.capabilities)
        .queues(options.queues)
        .takeover(options.takeover.unwrap_or_default());
    if let Some(engine_id) = options.engine_id {
        engine = engine.engine_id(engine_id);
    }
    if let Some(concurrency) = options.concurrency {
        engine = engine.concurrency(concurrency);
    }
    if let Some(memory_limit_mb) = options.memory_limit_mb {
        engine = engine.memory_limit_mb(memory_limit_mb);
    }
    if let Some(seconds) = options.heartbeat_interval_seconds {
        engine = engine.heartbeat_interval_seconds(seconds);
    }
    if let Some(seconds) = options.grace_seconds {
        engine = engine.grace(Duration::from_secs_f64(seconds));
    }
    if let Some(seconds) = options.stop_wait_seconds {
        engine = engine.stop_wait(Duration::from_secs_f64(seconds));
    }
    engine
}

fn ended(result: &Result<EngineSummary, RunError>) -> Value {
    let (error, summary) = match result {
        Ok(summary) => (None, *summary),
        Err(RunError::Engine(EngineError::Superseded(_))) => (Some("superseded".to_owned()), EngineSummary::default()),
        Err(RunError::Engine(EngineError::Call(error))) => {
            (Some(problem(error)["code"].as_str().unwrap_or("unknown").to_owned()), EngineSummary::default())
        }
        Err(error) => (Some(error.to_string()), EngineSummary::default()),
    };
    json!({
        "engine": "ended", "error": error, "completed": summary.completed, "failed": summary.failed,
        "released": summary.released, "lost": summary.lost,
    })
}

#[tokio::main]
async fn main() -> ExitCode {
    let options = std::env::args().nth(1).unwrap_or_else(|| "{}".to_owned());
    let options: AgentOptions = serde_json::from_str(&options).expect("options as JSON");
    let client = Client::from_environment().expect("an environment that names a server");
    let (go, gone) = watch::channel(Vec::new());
    if options.engine == Some(false) {
        // It ends with stdin.
        drop(gone);
        listen(client, go).await;
        return ExitCode::SUCCESS;
    }
    let listening = tokio::spawn(listen(client, go));
    let result = engine(options, gone).run().await;
    listening.abort();
    line(&ended(&result));
    if result.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
