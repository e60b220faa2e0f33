//! A campaign of a few seconds: faults of every kind, and nothing is lost or done twice. Long ones are run by hand.

use std::process::Command;

fn campaign(arguments: &[&str]) {
    let program = env!("CARGO_BIN_EXE_enginehouse-campaign");
    let output = Command::new(program).args(["faults", "--minutes", "0.2"]).args(arguments).output();
    let output = output.expect("the campaign starts");
    let (printed, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{printed}{errors}");
}

#[test]
fn a_short_campaign_on_sqlite_holds() {
    campaign(&["--store", "sqlite", "--seed", "3"]);
}

#[test]
fn a_short_campaign_with_two_servers_on_postgres_holds() {
    campaign(&["--store", "postgres", "--servers", "2", "--clients", "2", "--seed", "4"]);
}
