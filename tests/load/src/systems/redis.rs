//! Redis Streams with a consumer group. What one of our calls does with a hundred events is a hundred commands here, sent in one
//! write: Redis syncs its file once for all that it read together.

use std::io::Write;

use anyhow::{Result, bail};
use async_trait::async_trait;

use crate::measurement::payload;
use crate::queue::{Purpose, QueueConnection, QueueSystem};
use crate::throwaway::ThrowawayServer;
use crate::wire::Wire;

const STREAM: &str = "events";
const GROUP: &str = "load";

pub(super) struct Redis {
    server: ThrowawayServer,
}

impl Redis {
    pub(super) async fn start() -> Result<Self> {
        let server = ThrowawayServer::start("redis-server", |folder, port| {
            let (folder, port) = (folder.display().to_string(), port.to_string());
            let line = ["--bind", "127.0.0.1", "--port", &port, "--dir", &folder];
            let durable = ["--appendonly", "yes", "--appendfsync", "always", "--save", ""];
            line.into_iter().chain(durable).map(str::to_owned).collect()
        });
        let server = server.await?;
        let mut connection = RedisConnection::open(server.port(), 0).await?;
        put(&mut connection.request, &["XGROUP", "CREATE", STREAM, GROUP, "0", "MKSTREAM"]);
        connection.send().await?;
        connection.reply().await?;
        Ok(Self { server })
    }
}

#[async_trait]
impl QueueSystem for Redis {
    async fn connect(&self, purpose: Purpose) -> Result<Box<dyn QueueConnection>> {
        let number = match purpose {
            Purpose::Enqueue => 0,
            Purpose::Claim { number, .. } => number,
        };
        Ok(Box::new(RedisConnection::open(self.server.port(), number).await?))
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.server.pid()]
    }
}

struct RedisConnection {
    wire: Wire,
    request: Vec<u8>,
    payload: String,
    consumer: String,
    held: Vec<String>,
}

/// One part of a reply. What a list holds follows it.
enum RedisReply {
    Text(Vec<u8>),
    Number,
    List(usize),
    Nothing,
}

impl RedisConnection {
    async fn open(port: u16, number: usize) -> Result<Self> {
        Ok(Self {
            wire: Wire::open(port).await?,
            request: Vec::new(),
            payload: payload(),
            consumer: format!("consumer-{number}"),
            held: Vec::new(),
        })
    }

    async fn send(&mut self) -> Result<()> {
        self.wire.send(&self.request).await?;
        self.request.clear();
        Ok(())
    }

    async fn reply(&mut self) -> Result<RedisReply> {
        let line = self.wire.line().await?;
        let (kind, rest) = line.split_at_checked(1).unwrap_or_default();
        Ok(match kind {
            "+" | ":" => RedisReply::Number,
            "$" | "*" if rest == "-1" => RedisReply::Nothing,
            "*" => RedisReply::List(rest.parse()?),
            "$" => {
                let length: usize = rest.parse()?;
                let mut text = self.wire.bytes(length + 2).await?;
                text.truncate(length);
                RedisReply::Text(text)
            }
            _ => bail!("Redis answers {line}"),
        })
    }

    /// The next part, which has to be a list. None has no elements.
    async fn list(&mut self) -> Result<usize> {
        match self.reply().await? {
            RedisReply::List(length) => Ok(length),
            RedisReply::Nothing => Ok(0),
            RedisReply::Text(_) | RedisReply::Number => bail!("Redis answers something else than a list"),
        }
    }

    async fn text(&mut self) -> Result<Vec<u8>> {
        match self.reply().await? {
            RedisReply::Text(text) => Ok(text),
            _ => bail!("Redis answers something else than a text"),
        }
    }
}

/// Appends a command as Redis reads it.
fn put(request: &mut Vec<u8>, command: &[&str]) {
    write!(request, "*{}\r\n", command.len()).expect("a vector takes all");
    for word in command {
        write!(request, "${}\r\n{word}\r\n", word.len()).expect("a vector takes all");
    }
}

#[async_trait]
impl QueueConnection for RedisConnection {
    async fn enqueue(&mut self, events: usize) -> Result<()> {
        for _ in 0..events {
            put(&mut self.request, &["XADD", STREAM, "*", "payload", &self.payload]);
        }
        self.send().await?;
        for _ in 0..events {
            self.reply().await?;
        }
        Ok(())
    }

    async fn claim(&mut self, limit: usize) -> Result<usize> {
        let limit = limit.to_string();
        let command = ["XREADGROUP", "GROUP", GROUP, &self.consumer, "COUNT", &limit, "STREAMS", STREAM, ">"];
        put(&mut self.request, &command);
        self.send().await?;
        // Streams; of each its name and its entries; of each its id and its fields.
        for _ in 0..self.list().await? {
            self.list().await?;
            self.text().await?;
            for _ in 0..self.list().await? {
                self.list().await?;
                let id = String::from_utf8(self.text().await?)?;
                self.held.push(id);
                for _ in 0..self.list().await? {
                    self.text().await?;
                }
            }
        }
        Ok(self.held.len())
    }

    async fn complete(&mut self) -> Result<()> {
        if self.held.is_empty() {
            return Ok(());
        }
        let held: Vec<_> = self.held.iter().map(String::as_str).collect();
        put(&mut self.request, &[&["XACK", STREAM, GROUP], held.as_slice()].concat());
        put(&mut self.request, &[&["XDEL", STREAM], held.as_slice()].concat());
        self.send().await?;
        self.reply().await?;
        self.reply().await?;
        self.held.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::put;

    #[test]
    fn a_command_is_a_list_of_texts_with_their_lengths() {
        let mut request = Vec::new();
        put(&mut request, &["XADD", "events", "*"]);
        assert_eq!(request, b"*3\r\n$4\r\nXADD\r\n$6\r\nevents\r\n$1\r\n*\r\n");
    }
}
