//! Every SDK does the same: each scenario of `sdks/scenarios` is played by an engine of each, against the real server, on both stores.
//!
//! A scenario mostly waits, so more of them run at once than there are processors.

mod agent;
mod driver;
mod expectation;
mod proxy;
mod scenario;

use std::process::ExitCode;

use enginehouse_tests::test_store::StoreKind;
use libtest_mimic::{Arguments, Trial};

use crate::agent::Sdk;
use crate::driver::Driver;
use crate::scenario::Scenario;

/// How many are played at once, unless the command line says so.
const AT_ONCE: usize = 4;

fn play(sdk: Sdk, kind: StoreKind, scenario: &Scenario) {
    // The proxy has a thread of its own, so that it answers while a step waits for a process.
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut driver = Driver::new(sdk, kind, scenario).await;
        for step in &scenario.steps {
            driver.play(step).await;
        }
    });
}

fn main() -> ExitCode {
    // The driver speaks no TLS, but its client asks for what it would be spoken with.
    rustls::crypto::ring::default_provider().install_default().expect("it is the first");
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let mut trials = Vec::new();
    for (name, scenario) in scenario::all() {
        for kind in [StoreKind::Sqlite, StoreKind::Postgres] {
            for sdk in Sdk::ALL {
                let scenario = scenario.clone();
                let name = format!("{name}::{}::{}", sdk.name(), format!("{kind:?}").to_lowercase());
                trials.push(Trial::test(name, move || {
                    play(*sdk, kind, &scenario);
                    Ok(())
                }));
            }
        }
    }
    libtest_mimic::run(&arguments, trials).exit_code()
}
