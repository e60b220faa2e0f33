//! beanstalkd with a log that is synced at every write. It does not log that an event is reserved, so its claims are not durable.

use std::io::Write;

use anyhow::{Result, bail};
use async_trait::async_trait;

use crate::measurement::payload;
use crate::queue::{Purpose, QueueConnection, QueueSystem};
use crate::throwaway::ThrowawayServer;
use crate::wire::Wire;

pub(super) struct Beanstalkd {
    server: ThrowawayServer,
}

impl Beanstalkd {
    pub(super) async fn start() -> Result<Self> {
        let server = ThrowawayServer::start("beanstalkd", |folder, port| {
            let (folder, port) = (folder.display().to_string(), port.to_string());
            ["-l", "127.0.0.1", "-p", &port, "-b", &folder, "-f0"].map(str::to_owned).to_vec()
        });
        Ok(Self { server: server.await? })
    }
}

#[async_trait]
impl QueueSystem for Beanstalkd {
    async fn connect(&self, _: Purpose) -> Result<Box<dyn QueueConnection>> {
        Ok(Box::new(BeanstalkdConnection {
            wire: Wire::open(self.server.port()).await?,
            request: Vec::new(),
            payload: payload(),
            held: Vec::new(),
        }))
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.server.pid()]
    }
}

struct BeanstalkdConnection {
    wire: Wire,
    request: Vec<u8>,
    payload: String,
    held: Vec<u64>,
}

impl BeanstalkdConnection {
    async fn send(&mut self) -> Result<()> {
        self.wire.send(&self.request).await?;
        self.request.clear();
        Ok(())
    }

    async fn expect(&mut self, beginning: &str) -> Result<()> {
        let line = self.wire.line().await?;
        if !line.starts_with(beginning) {
            bail!("beanstalkd answers {line} instead of {beginning}");
        }
        Ok(())
    }
}

#[async_trait]
impl QueueConnection for BeanstalkdConnection {
    async fn enqueue(&mut self, events: usize) -> Result<()> {
        for _ in 0..events {
            write!(self.request, "put 1024 0 300 {}\r\n{}\r\n", self.payload.len(), self.payload)?;
        }
        self.send().await?;
        for _ in 0..events {
            self.expect("INSERTED").await?;
        }
        Ok(())
    }

    async fn claim(&mut self, limit: usize) -> Result<usize> {
        for _ in 0..limit {
            self.request.extend_from_slice(b"reserve-with-timeout 0\r\n");
        }
        self.send().await?;
        for _ in 0..limit {
            let line = self.wire.line().await?;
            let mut words = line.split(' ');
            match (words.next(), words.next(), words.next()) {
                (Some("TIMED_OUT"), ..) => {}
                (Some("RESERVED"), Some(id), Some(length)) => {
                    let length: usize = length.parse()?;
                    self.held.push(id.parse()?);
                    self.wire.bytes(length + 2).await?;
                }
                _ => bail!("beanstalkd answers a reserve with {line}"),
            }
        }
        Ok(self.held.len())
    }

    async fn complete(&mut self) -> Result<()> {
        for id in &self.held {
            write!(self.request, "delete {id}\r\n")?;
        }
        self.send().await?;
        for _ in 0..self.held.len() {
            self.expect("DELETED").await?;
        }
        self.held.clear();
        Ok(())
    }
}
