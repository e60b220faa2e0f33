//! Bodies and answers that are compressed: read and written with gzip, within the limits of what is unpacked.

use std::io::{Read, Write};

use axum::body::Body;
use enginehouse_server::http::Limits;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use http::{Request, header};

use crate::app::{Answer, TestApp, request};

const MIB: usize = 1024 * 1024;

fn packed(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

async fn send(app: &TestApp, path: &str, content_type: &str, coding: &str, body: Vec<u8>) -> Answer {
    // In pieces, as they come from a network.
    let pieces: Vec<_> = body.chunks(7_001).map(|piece| Ok::<_, std::io::Error>(piece.to_vec())).collect();
    let request = Request::post(path)
        .header(header::CONTENT_TYPE, content_type)
        .header(header::CONTENT_ENCODING, coding)
        .body(Body::from_stream(futures_util::stream::iter(pieces)));
    app.send(request.unwrap()).await
}

async fn enqueue(app: &TestApp, coding: &str, body: Vec<u8>) -> Answer {
    send(app, "/v1/events", "application/json", coding, body).await
}

#[tokio::test]
async fn a_packed_body_is_unpacked() {
    let app = TestApp::new();
    let event = br#"{"event_type":"a"}"#;
    for coding in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
        let answer = enqueue(&app, coding, packed(event)).await;
        assert_eq!(answer.status, 201, "{coding}: {}", answer.body);
    }
    assert_eq!(enqueue(&app, "identity", event.to_vec()).await.status, 201);
    // In two parts, each packed for itself.
    let (first, second) = event.split_at(9);
    let parts = [packed(first), packed(second)].concat();
    assert_eq!(enqueue(&app, "gzip", parts).await.status, 201);
    let batch = format!(r#"{{"events":[{}]}}"#, vec![r#"{"event_type":"a"}"#; 5_000].join(","));
    let answer = send(&app, "/v1/events/batch", "application/json", "gzip", packed(batch.as_bytes())).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let lines = "{\"event_type\":\"a\"}\n".repeat(50_000);
    let answer = send(&app, "/v1/events/batch", "application/x-ndjson", "gzip", packed(lines.as_bytes())).await;
    assert!(answer.body.contains(r#""enqueued":50000"#), "{}", answer.body);
    app.close().await;
}

#[tokio::test]
async fn a_bomb_is_refused_by_its_unpacked_size() {
    let app = TestApp::with(Limits { max_bulk_bytes: 16 * MIB, ..Limits::default() });
    let bomb = packed(&vec![b' '; 200 * MIB]);
    assert!(bomb.len() < MIB, "{}", bomb.len());
    let answer = enqueue(&app, "gzip", bomb.clone()).await;
    assert!(answer.status == 413 && answer.body.contains("unpacked"), "{}", answer.body);
    // Where the limit would let it pass, it needs room as any other body does.
    let answer = send(&app, "/v1/events/batch", "application/json", "gzip", bomb.clone()).await;
    assert!(answer.status == 429 && answer.body.contains("max_bulk_mb"), "{}", answer.body);
    let answer = send(&app, "/v1/events/batch", "application/x-ndjson", "gzip", bomb).await;
    assert!(answer.status == 200 && answer.body.contains("longer than 1048576 bytes"), "{}", answer.body);
    app.close().await;
}

#[tokio::test]
async fn what_cannot_be_unpacked_is_said() {
    let app = TestApp::new();
    let good = packed(br#"{"event_type":"a"}"#);
    let mut spoilt = good.clone();
    let at = spoilt.len() - 6;
    spoilt[at] ^= 1;
    for (what, body) in [
        ("plain", br#"{"event_type":"a"}"#.to_vec()),
        ("cut off", good[..good.len() - 3].to_vec()),
        ("cut in its head", good[..5].to_vec()),
        ("spoilt", spoilt),
        ("more behind it", [&good[..], b"more and more"].concat()),
    ] {
        let answer = enqueue(&app, "gzip", body).await;
        assert!(answer.status == 400 && answer.body.contains("gzip"), "{what}: {} {}", answer.status, answer.body);
    }
    for coding in ["br", "deflate", "zstd", "gzip, gzip", "gzip, br", "nonsense"] {
        let answer = enqueue(&app, coding, good.clone()).await;
        assert_eq!(answer.status, 415, "{coding}: {}", answer.body);
        assert_eq!(answer.headers[header::ACCEPT_ENCODING], "gzip", "{coding}");
        let lines = send(&app, "/v1/events/batch", "application/x-ndjson", coding, good.clone()).await;
        assert_eq!(lines.status, 415, "{coding}: {}", lines.body);
    }
    app.close().await;
}

#[tokio::test]
async fn a_long_answer_is_packed_for_whoever_asks_for_it() {
    let mut app = TestApp::new();
    let batch = format!(r#"{{"events":[{}]}}"#, vec![r#"{"event_type":"a","payload":"some text"}"#; 200].join(","));
    app.prepare("POST /v1/events/batch", &batch).await;
    let plain = app.send(request("GET /v1/events?limit=200", "", "")).await;
    assert!(plain.body.len() > 50_000 && !plain.headers.contains_key(header::CONTENT_ENCODING));
    for (accepted, is_packed) in [
        ("gzip", true),
        ("br, GZip;q=0.5", true),
        ("*", true),
        ("gzip;q=0", false),
        ("*, gzip; q=0.0", false),
        ("br", false),
        ("identity", false),
    ] {
        let mut asked = request("GET /v1/events?limit=200", "", "");
        asked.headers_mut().insert(header::ACCEPT_ENCODING, accepted.parse().unwrap());
        let (headers, body) = app.send_for_bytes(asked).await;
        assert_eq!(headers.contains_key(header::CONTENT_ENCODING), is_packed, "{accepted}");
        assert_eq!(headers[header::VARY], "accept-encoding", "{accepted}");
        let mut text = String::new();
        if is_packed {
            assert_eq!(headers[header::CONTENT_ENCODING], "gzip");
            assert!(body.len() < plain.body.len() / 5, "{} of {}", body.len(), plain.body.len());
            assert_eq!(headers[header::CONTENT_LENGTH], body.len().to_string().as_str());
            GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
        } else {
            text = String::from_utf8(body).unwrap();
        }
        assert!(text == plain.body, "{accepted}");
    }
    // What is short costs more to pack than to send.
    let mut asked = request("GET /v1/events?limit=1", "", "");
    asked.headers_mut().insert(header::ACCEPT_ENCODING, "gzip".parse().unwrap());
    assert!(!app.send(asked).await.headers.contains_key(header::CONTENT_ENCODING));
    app.close().await;
}
