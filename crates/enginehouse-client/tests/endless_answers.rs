//! What a client reads has a limit, whoever answers.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpListener;
use std::thread::JoinHandle;

use enginehouse_client::{Client, ClientConfig, Error};

/// What the client may read.
const MAX: usize = 100_000;
/// What the sockets of both sides hold, generously.
const IN_SOCKETS: usize = 16 * 1024 * 1024;

/// A server whose answer has this head, and no end. Answers how many bytes it got rid of.
fn endless(head: &'static str) -> (String, JoinHandle<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let sent = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut [0; 4_096]).unwrap() > 0);
        stream.write_all(head.as_bytes()).unwrap();
        let mut sent = 0;
        loop {
            match stream
                .write_all(b"400\r\n")
                .and_then(|()| stream.write_all(&[b' '; 0x400]))
                .and_then(|()| stream.write_all(b"\r\n"))
            {
                Ok(()) => sent += 0x400,
                Err(error) => {
                    assert!(matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset), "{error}");
                    return sent;
                }
            }
            assert!(sent < 2 * IN_SOCKETS, "the client reads on and on");
        }
    });
    (url, sent)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_without_an_end_is_read_no_further_than_it_may_be() {
    for head in [
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1000000000000\r\n\r\n",
        // Without a length it goes on until the connection ends.
        "HTTP/1.1 404 No\r\n\r\n",
    ] {
        let (url, sent) = endless(head);
        let config = ClientConfig { max_answer_bytes: MAX, max_repeats: 0, ..ClientConfig::default() };
        let error = Client::with_config(&url, config).unwrap().stats().await.unwrap_err();
        let Error::Unexpected { reason, .. } = error else { panic!("{head}: {error}") };
        assert_eq!(reason, "the answer has more than 100000 bytes", "{head}");
        assert!(sent.join().unwrap() < MAX + IN_SOCKETS, "{head}");
    }
}
