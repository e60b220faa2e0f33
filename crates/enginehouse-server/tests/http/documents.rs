use crate::app::{TestApp, request};

#[tokio::test]
async fn the_documents_are_pages_and_the_calls_are_beside_them() {
    let mut app = TestApp::new();
    for (path, content_type, part) in [
        ("/docs/", "text/html; charset=utf-8", "<h1 id=\"enginehouse\">"),
        ("/docs/http-api.html", "text/html; charset=utf-8", "task by task"),
        ("/docs/http-api.md", "text/html; charset=utf-8", "task by task"),
        ("/docs/adr/", "text/html; charset=utf-8", "Records of decisions"),
        ("/docs/LICENSE-MIT", "text/plain; charset=utf-8", "Permission is hereby granted"),
        ("/docs/performance/second-run.svg", "image/svg+xml", "<svg"),
        ("/docs/docs.css", "text/css; charset=utf-8", "color-scheme"),
        ("/docs/api/", "text/html", "swagger-ui"),
        ("/docs/api/index.css", "text/css; charset=utf-8", "swagger-ui"),
    ] {
        let answer = app.prepare(&format!("GET {path}"), "").await;
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(answer.headers["content-type"], content_type, "{path}");
        assert!(answer.body.contains(part), "{path}");
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert_eq!(policy.starts_with("default-src 'none'"), !path.starts_with("/docs/api"), "{path}: {policy}");
    }
    let moved = app.send(request("GET /docs", "application/json", "")).await;
    assert_eq!((moved.status, &moved.headers["location"]), (308, &"./docs/".parse().unwrap()));
    app.call("GET /docs/nosuch.html", "").await;
    insta::assert_snapshot!(app.close().await, @r#"
    > GET /docs/nosuch.html
    404 {"type":"/problems/not_found","title":"Not found","status":404,"detail":"there is no page nosuch.html","code":"not_found","request_id":"test"}
    "#);
}
