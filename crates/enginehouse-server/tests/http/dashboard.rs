//! The page of the dashboard, as it is served: to browsers, at each of its addresses, and kept by them no longer than it holds.

use http::header;

use crate::app::{Answer, TestApp, request};

const TEXT: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

async fn asked(app: &TestApp, path: &str, headers: &[(&'static str, &str)]) -> Answer {
    let mut request = request(&format!("GET {path}"), "", "");
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    app.send(request).await
}

#[tokio::test]
async fn a_browser_gets_the_page_at_each_of_its_addresses_and_a_program_gets_none() {
    let app = TestApp::new();
    for (path, up) in
        [("/", "./"), ("/engines", "./"), ("/events/", "../"), ("/events/a%2Fb", "../"), ("/queues/a/b", "../../")]
    {
        let page = asked(&app, path, &[("accept", TEXT)]).await;
        assert_eq!(
            (page.status, &page.headers[header::CONTENT_TYPE]),
            (200, &"text/html; charset=utf-8".parse().unwrap())
        );
        assert!(page.body.contains(&format!("<base href=\"{up}\">")), "{path}: {}", page.body);
        assert_eq!(page.headers[header::CACHE_CONTROL], "no-cache");
        let policy = page.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("script-src 'self';") && !policy.contains("unsafe"), "{policy}");
    }
    // Whoever mistypes a call is told so, and is shown no page.
    for (path, accept) in
        [("/engines", "*/*"), ("/engines", "application/json"), ("/", "application/json"), ("/nothing", TEXT)]
    {
        let refused = asked(&app, path, &[("accept", accept)]).await;
        assert_eq!(refused.status, 404, "{path} {accept}: {}", refused.body);
        assert_eq!(refused.headers[header::CONTENT_TYPE], "application/problem+json", "{path} {accept}");
    }
    assert!(asked(&app, "/engines", &[]).await.body.contains("did you mean /v1/engines?"));
    app.close().await;
}

#[tokio::test]
async fn browsers_keep_the_files_for_good_and_ask_for_the_page_each_time() {
    let app = TestApp::new();
    let page = asked(&app, "/events/x", &[("accept", TEXT)]).await;
    let tag = page.headers[header::ETAG].to_str().unwrap().to_owned();
    let again = asked(&app, "/events/x", &[("accept", TEXT), ("if-none-match", &format!("\"old\", W/{tag}"))]).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
    // Its way up is another one, so it is another page.
    assert_eq!(asked(&app, "/events", &[("accept", TEXT), ("if-none-match", &tag)]).await.status, 200);

    let files: Vec<_> = page.body.split("\"./").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(files.len() >= 3, "{}", page.body);
    for file in files {
        let answer = asked(&app, &format!("/{file}"), &[]).await;
        assert_eq!(
            (answer.status, &answer.headers[header::CACHE_CONTROL]),
            (200, &"public, max-age=31536000, immutable".parse().unwrap()),
            "{file}"
        );
    }
    let gone = asked(&app, "/assets/index-old.js", &[]).await;
    assert!(gone.status == 404 && gone.body.contains("load its page anew"), "{}", gone.body);
    assert!(!gone.headers.contains_key(header::CACHE_CONTROL));
    app.close().await;
}
