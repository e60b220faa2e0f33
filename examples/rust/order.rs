use std::error::Error;
use std::io::{Write, stdout};
use std::time::Duration;

use enginehouse_client::Client;
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let client = Client::from_environment()?;
    for payload in [json!({ "sku": "tea", "qty": 3 }), json!({ "sku": "tea", "qty": "three" })] {
        let request = serde_json::from_value(json!({ "event_type": "order.created", "payload": payload }))?;
        let event = client.enqueue_and_wait(&request, Duration::from_secs(20)).await?;
        let result = event.result.map_or_else(String::new, |result| result.as_str().to_owned());
        let error = event.last_error.map_or_else(String::new, |error| error.message);
        writeln!(stdout(), "{} {result}{error}", event.status)?;
    }
    Ok(())
}
