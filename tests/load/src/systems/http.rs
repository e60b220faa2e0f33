//! HTTP, as far as a client of our own server needs it.

use std::io::Write;

use anyhow::{Context, Result, bail};

use crate::wire::Wire;

pub(super) struct HttpConnection {
    wire: Wire,
    request: Vec<u8>,
}

impl HttpConnection {
    pub(super) async fn open(port: u16) -> Result<Self> {
        Ok(Self { wire: Wire::open(port).await?, request: Vec::new() })
    }

    /// Sends a request and answers the body of its answer, which must be a success.
    pub(super) async fn call(&mut self, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        self.request.clear();
        write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )?;
        self.wire.send(&self.request).await?;
        let status: u16 =
            self.wire.line().await?.split(' ').nth(1).and_then(|code| code.parse().ok()).context("no HTTP answer")?;
        let mut length = None;
        loop {
            let line = self.wire.line().await?;
            if line.is_empty() {
                break;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = Some(value.trim().parse()?);
            }
        }
        let answer = self.wire.bytes(length.context("an answer has no content-length")?).await?;
        if !(200..300).contains(&status) {
            bail!("{method} {path}: {status}: {}", String::from_utf8_lossy(&answer));
        }
        Ok(answer)
    }
}
