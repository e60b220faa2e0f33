//! HTTP, as far as a client of our own server needs it.

use std::io::Write;
use std::net::Ipv4Addr;

use anyhow::{Context, Result, bail};

use super::credentials::ClientCredentials;
use crate::wire::Wire;

pub(crate) struct HttpConnection {
    wire: Wire,
    request: Vec<u8>,
    /// A line of each request, if there is a token.
    authorization: String,
}

impl HttpConnection {
    pub(crate) async fn open(port: u16) -> Result<Self> {
        Self::open_from(Ipv4Addr::LOCALHOST, port).await
    }

    pub(crate) async fn open_from(source: Ipv4Addr, port: u16) -> Result<Self> {
        Ok(Self { wire: Wire::open_from(source, port).await?, request: Vec::new(), authorization: String::new() })
    }

    /// With what a server wants to see.
    pub(crate) async fn open_with(credentials: &ClientCredentials, port: u16) -> Result<Self> {
        let wire = match &credentials.tls {
            Some(tls) => Wire::open_tls(port, tls).await?,
            None => Wire::open(port).await?,
        };
        let authorization = credentials.token.as_ref().map(|token| format!("authorization: Bearer {token}\r\n"));
        Ok(Self { wire, request: Vec::new(), authorization: authorization.unwrap_or_default() })
    }

    /// Sends a request and answers the body of its answer, which must be a success.
    pub(crate) async fn call(&mut self, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        self.call_with("", method, path, body).await
    }

    /// The same with one more header, such as the session of an engine, if it is not empty.
    pub(crate) async fn call_with(&mut self, header: &str, method: &str, path: &str, body: &str) -> Result<Vec<u8>> {
        self.write_head(header, method, path, "application/json", body.len())?;
        self.request.extend_from_slice(body.as_bytes());
        self.wire.send(&self.request).await?;
        self.answer(method, path).await
    }

    /// Posts one line again and again, so many times, as a stream of lines.
    pub(crate) async fn post_lines(&mut self, path: &str, line: &str, lines: usize) -> Result<Vec<u8>> {
        const LINES_OF_A_WRITE: usize = 256;
        self.write_head("", "POST", path, "application/x-ndjson", line.len() * lines)?;
        self.wire.send(&self.request).await?;
        let some = line.repeat(lines.min(LINES_OF_A_WRITE));
        let mut left = lines;
        while left > 0 {
            let now = left.min(LINES_OF_A_WRITE);
            // A server that takes no more has said why.
            if let Err(error) = self.wire.send(&some.as_bytes()[..line.len() * now]).await {
                return self.answer("POST", path).await.context(error);
            }
            left -= now;
        }
        self.answer("POST", path).await
    }

    fn write_head(&mut self, header: &str, method: &str, path: &str, content_type: &str, length: usize) -> Result<()> {
        self.request.clear();
        let authorization = &self.authorization;
        Ok(write!(
            self.request,
            "{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n{authorization}content-type: {content_type}\r\ncontent-length: {length}\r\n{header}\r\n"
        )?)
    }

    async fn answer(&mut self, method: &str, path: &str) -> Result<Vec<u8>> {
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
