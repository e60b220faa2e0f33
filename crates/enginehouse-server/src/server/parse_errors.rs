//! Answers to what is no request: hyper has no body for them, so they are replaced by problem documents on their way out.
//!
//! hyper answers by itself where it cannot read the head of a request, and no handler ever hears of it. What it writes then is
//! known by when it does: no request has begun since all that was written before had left.

use bytes::Bytes;
use enginehouse_api::problem::{Code, Problem};
use http::{StatusCode, header};

/// The answer that takes the place of hyper's own, which begins with `head`.
pub(super) fn instead_of(head: &[u8]) -> Option<Bytes> {
    let status_line = head.split(|byte| *byte == b'\r').next()?;
    let status_line = std::str::from_utf8(status_line).ok()?;
    let status = StatusCode::from_bytes(status_line.split(' ').nth(1)?.as_bytes()).ok()?;
    let problem = match status {
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => {
            Problem::new(Code::TooLarge, "the head of the request has more than 100 headers, or more than 32 KiB")
        }
        StatusCode::URI_TOO_LONG => Problem::new(Code::TooLarge, "the address of the request is longer than 64 KiB"),
        StatusCode::BAD_REQUEST => {
            Problem::malformed("this is no request of HTTP/1.1, or its headers contradict each other")
        }
        // Whatever else it may say, it says it better.
        _ => return None,
    };
    let problem = Problem { status: status.as_u16(), ..problem };
    Some(written(&problem, status_line))
}

/// The whole answer with this status line and problem, behind which the connection is closed.
pub(super) fn written(problem: &Problem, status_line: &str) -> Bytes {
    // A problem holds nothing that JSON cannot say.
    let body = serde_json::to_string(problem).unwrap_or_default();
    let retry_after = problem.retry_after_seconds.map(|seconds| format!("{}: {seconds}\r\n", header::RETRY_AFTER));
    let answer = format!(
        "{status_line}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\n{}connection: close\r\n\r\n{body}\n",
        body.len() + 1,
        retry_after.unwrap_or_default(),
    );
    answer.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_hyper_says_without_a_word_is_replaced() {
        let head = b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n";
        let answer = String::from_utf8(instead_of(head).unwrap().into()).unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 400 Bad Request\r\ncontent-type: application/problem+json\r\n"),
            "{answer}"
        );
        assert!(instead_of(b"HTTP/1.1 431 x\r\n").is_some());
        for other in [&b"HTTP/1.1 200 OK\r\n"[..], b"HTTP/1.1 500 x\r\n", b"", b"nonsense", b"\xff \xff"] {
            assert_eq!(instead_of(other), None);
        }
    }
}
