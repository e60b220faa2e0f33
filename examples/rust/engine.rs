use enginehouse_client::{Context, Engine, HandlerError, Retry, RunError};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Order {
    sku: String,
    qty: u32,
}

#[derive(Serialize)]
struct Price {
    total: u32,
}

async fn quote(sku: &str) -> Result<u32, std::io::Error> {
    match sku {
        "tea" => Ok(12),
        _ => Err(std::io::Error::other(format!("no price list has {sku}"))),
    }
}

async fn price(order: Order, context: Context) -> Result<Price, HandlerError> {
    let unit = quote(&order.sku).await.map_err(Retry::after_secs(30))?;
    context.progress(Some(50.0), Some("priced"));
    Ok(Price { total: unit * order.qty })
}

#[tokio::main]
async fn main() -> Result<(), RunError> {
    Engine::new("pricing").concurrency(8).on("order.created", price).run().await?;
    Ok(())
}
