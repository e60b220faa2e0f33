//! Browsers: logging in with a token, what a session opens and for how long, and what other sites can do with it.

use axum::body::Body;
use enginehouse_core::access::secret::AccessToken;
use enginehouse_server::http::{ListenerRole, router};
use http::{Request, header};

use crate::app::{Answer, TestApp, answer_of, request};
use crate::permissions::{call_as, token};

const FORM: &str = "application/x-www-form-urlencoded";
const TEXT: &str = "text/html,application/xhtml+xml,*/*;q=0.8";

fn with(line: &str, content_type: &str, body: &str, headers: &[(&'static str, &str)]) -> Request<Body> {
    let mut request = request(line, content_type, body);
    request.headers_mut().insert("host", "localhost:7420".parse().unwrap());
    for (name, value) in headers {
        request.headers_mut().insert(*name, value.parse().unwrap());
    }
    request
}

async fn log_in(app: &TestApp, token: &str, headers: &[(&'static str, &str)]) -> Answer {
    app.send(with("POST /login", FORM, &format!("token={token}&next=%2Fdocs%2F"), headers)).await
}

/// The cookie that an answer sets, as a browser sends it back.
#[track_caller]
fn cookie_of(answer: &Answer) -> String {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.headers["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned()
}

/// The status of a call that a page of this server makes with a cookie.
async fn called(app: &TestApp, cookie: &str, line: &str, headers: &[(&'static str, &str)]) -> u16 {
    let headers = [headers, &[("cookie", cookie)]].concat();
    app.send(with(line, "application/json", "", &headers)).await.status
}

const SAME: (&str, &str) = ("sec-fetch-site", "same-origin");

#[tokio::test]
async fn who_logs_in_has_a_session_that_opens_what_the_token_does() {
    let app = TestApp::new();
    let viewer = token(&app, r#"{"name":"ann","role":"viewer"}"#).await;
    let asked = app.send(with("GET /login?next=/v1/stats", "", "", &[])).await;
    assert!(asked.status == 200 && asked.body.contains("name=\"next\" value=\"/v1/stats\""), "{}", asked.body);
    assert!(!asked.body.contains("script"), "{}", asked.body);

    let answer = log_in(&app, &format!("%20{viewer}%0A"), &[SAME]).await;
    let set = answer.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("enginehouse=ehb1_"), "{set}");
    assert!(set.contains("; Path=/; Max-Age=28") && set.ends_with("; HttpOnly; SameSite=Strict"), "{set}");
    assert!(!set.contains(&viewer[17..60]), "{set}");
    // Below a path of a proxy, too.
    assert_eq!(answer.headers["location"], "./docs/");
    let cookie = cookie_of(&answer);
    assert_eq!(called(&app, &cookie, "GET /v1/stats", &[SAME]).await, 200);
    assert_eq!(called(&app, &cookie, "POST /v1/queues/a/pause", &[SAME]).await, 403, "no viewer may");
    assert_eq!(called(&app, "enginehouse=ehb1_x", "GET /v1/stats", &[SAME]).await, 401);
    assert_eq!(called(&app, "", "GET /v1/stats", &[SAME]).await, 401);
    // The pages say who has logged in, and no cache keeps that.
    for path in ["/docs/", "/docs/security.html"] {
        let page = app.send(with(&format!("GET {path}"), "", "", &[("cookie", &cookie)])).await;
        assert!(page.body.contains(">ann</a>") && page.body.contains("action=\"../logout\""), "{path}: {}", page.body);
        assert_eq!(page.headers["cache-control"], "no-store", "{path}");
        let page = app.send(with(&format!("GET {path}"), "", "", &[])).await;
        assert!(page.body.contains("<a href=\"../login\">Log in</a>") && !page.body.contains(">ann</a>"), "{path}");
    }
    let again = app.send(with("GET /login?next=/docs/", "", "", &[("cookie", &cookie)])).await;
    assert_eq!((again.status, &again.headers["location"]), (303, &"./docs/".parse().unwrap()));
    let out = app.send(with("POST /logout", FORM, "", &[("cookie", &cookie), SAME])).await;
    let forgotten: Vec<_> = out.headers.get_all("set-cookie").iter().map(|set| set.to_str().unwrap()).collect();
    assert!(out.status == 303 && forgotten.len() == 2, "{forgotten:?}");
    assert!(forgotten.iter().all(|set| set.contains("enginehouse=;") && set.contains("Max-Age=0")), "{forgotten:?}");
    app.close().await;
}

#[tokio::test]
async fn a_session_ends_with_its_token_and_after_eight_hours() {
    let mut app = TestApp::new();
    let root = token(&app, r#"{"name":"root","role":"admin"}"#).await;
    let short = token(&app, r#"{"name":"short","role":"viewer","expires_in_seconds":3600}"#).await;
    let long = token(&app, r#"{"name":"long","role":"viewer"}"#).await;
    let accessor = |token: &str| token.parse::<AccessToken>().unwrap().accessor().to_string();
    let (of_short, of_long) = (log_in(&app, &short, &[]).await, log_in(&app, &long, &[]).await);
    let set = of_short.headers["set-cookie"].to_str().unwrap();
    let life: u64 = set.split("Max-Age=").nth(1).and_then(|rest| rest.split(';').next()?.parse().ok()).unwrap();
    assert!((3_590..=3_600).contains(&life), "{set}");
    let (of_short, of_long) = (cookie_of(&of_short), cookie_of(&of_long));
    let both = async |app: &TestApp| {
        let stats = "GET /v1/stats";
        (called(app, &of_short, stats, &[SAME]).await, called(app, &of_long, stats, &[SAME]).await)
    };
    app.pass(3_599).await;
    assert_eq!(both(&app).await, (200, 200));
    app.pass(1).await;
    assert_eq!(both(&app).await, (401, 200));
    app.pass(25_190).await;
    assert_eq!(both(&app).await, (401, 200));
    app.pass(20).await;
    assert_eq!(both(&app).await, (401, 401), "8 hours");

    // With an overlap a session goes on, as the old secret does; without one it ends, as it does with the token.
    for (overlap, status) in [(60, 200), (0, 401)] {
        let new = token(&app, &format!(r#"{{"name":"r{overlap}","role":"viewer"}}"#)).await;
        let cookie = cookie_of(&log_in(&app, &new, &[]).await);
        let rotate = format!("POST /v1/tokens/{}/rotate", accessor(&new));
        let rotated = call_as(&app, &root, &rotate, &format!(r#"{{"overlap_seconds":{overlap}}}"#)).await;
        assert_eq!(rotated.status, 200, "{}", rotated.body);
        assert_eq!(called(&app, &cookie, "GET /v1/stats", &[SAME]).await, status, "{overlap}");
    }
    let gone = token(&app, r#"{"name":"gone","role":"viewer"}"#).await;
    let cookie = cookie_of(&log_in(&app, &gone, &[]).await);
    assert_eq!(called(&app, &cookie, "GET /v1/stats", &[SAME]).await, 200);
    let revoked = call_as(&app, &root, &format!("DELETE /v1/tokens/{}", accessor(&gone)), "").await;
    assert_eq!(revoked.status, 200, "{}", revoked.body);
    assert_eq!(called(&app, &cookie, "GET /v1/stats", &[SAME]).await, 401);
    app.close().await;
}

#[tokio::test]
async fn no_other_site_uses_a_session_or_logs_anybody_in() {
    let app = TestApp::new();
    let admin = token(&app, r#"{"name":"ann","role":"admin"}"#).await;
    let cookie = cookie_of(&log_in(&app, &admin, &[("sec-fetch-site", "none")]).await);
    let (site, origin) = ("sec-fetch-site", "origin");
    for (line, headers, want) in [
        ("GET /v1/stats", &[][..], 200),
        ("GET /v1/stats", &[(site, "none")], 200),
        ("GET /v1/stats", &[(site, "same-site")], 403),
        ("GET /v1/stats", &[(site, "cross-site")], 403),
        ("GET /v1/stats", &[(origin, "http://localhost:3000")], 403),
        ("POST /v1/queues/a/pause", &[], 403),
        ("POST /v1/queues/a/pause", &[(site, "same-origin")], 200),
        ("POST /v1/queues/a/pause", &[(origin, "http://localhost:7420")], 200),
        ("POST /v1/queues/a/pause", &[(origin, "https://localhost:7420")], 403),
        ("POST /v1/queues/a/pause", &[(origin, "null")], 403),
        ("POST /v1/queues/a/pause", &[(site, "same-site"), (origin, "http://localhost:7420")], 403),
    ] {
        assert_eq!(called(&app, &cookie, line, headers).await, want, "{line} {headers:?}");
    }
    // A token that is sent counts, whatever the cookie is.
    let bearer = format!("Bearer {admin}");
    let headers = [("authorization", bearer.as_str()), (site, "same-site")];
    assert_eq!(called(&app, "enginehouse=ehb1_old", "GET /v1/stats", &headers).await, 200);
    let headers = [("authorization", "Bearer eh1_wrong"), SAME];
    assert_eq!(called(&app, &cookie, "GET /v1/stats", &headers).await, 401);
    // What a proxy asks a person for is none of ours.
    assert_eq!(called(&app, &cookie, "GET /v1/stats", &[("authorization", "Basic eDp5"), SAME]).await, 200);

    for headers in [&[(site, "cross-site")][..], &[(site, "same-site")], &[(origin, "http://evil.example")]] {
        for line in ["POST /login", "POST /logout"] {
            let answer = app.send(with(line, FORM, &format!("token={admin}"), headers)).await;
            assert!(answer.status == 403 && !answer.headers.contains_key("set-cookie"), "{line} {headers:?}");
        }
    }
    let script = app.send(with("POST /login", "text/plain", &format!("token={admin}"), &[])).await;
    assert_eq!(script.status, 415, "{}", script.body);
    app.close().await;
}

#[tokio::test]
async fn what_opens_nothing_is_answered_in_the_same_words_and_slowed() {
    let app = TestApp::new();
    let valid = token(&app, r#"{"name":"a","role":"viewer"}"#).await;
    token(&app, r#"{"name":"b","role":"viewer","not_before":"2027-01-01T00:00:00Z"}"#).await;
    let accessor = valid.parse::<AccessToken>().unwrap().accessor().clone();
    let unknown = AccessToken::made(99_999, [7; 32]).reveal();
    let wrong = AccessToken::with_accessor(accessor, [9; 32]).reveal();
    let mut pages = std::collections::BTreeSet::new();
    for bad in [unknown.as_str(), wrong.as_str(), "", "eh1_", &"x".repeat(500), "%00%FF"] {
        let answer = log_in(&app, bad, &[]).await;
        assert_eq!(answer.status, 401, "{bad}");
        assert!(answer.headers.contains_key("www-authenticate") && !answer.headers.contains_key("set-cookie"));
        pages.insert(answer.body);
    }
    assert_eq!(pages.len(), 1, "{pages:#?}");
    let mut slowed = None;
    for _ in 0..60 {
        let answer = log_in(&app, &unknown, &[]).await;
        slowed = (answer.status == 429).then_some(answer).or(slowed);
    }
    let slowed = slowed.expect("an address that goes on is slowed");
    assert!(slowed.headers.contains_key("retry-after") && slowed.body.contains("many tokens"), "{}", slowed.body);
    cookie_of(&log_in(&app, &valid, &[]).await);
    let large = app.send(with("POST /login", FORM, &format!("token={}", "x".repeat(9_000)), &[])).await;
    assert_eq!(large.status, 413);
    app.close().await;
}

#[tokio::test]
async fn nobody_logs_in_over_plain_http_across_a_network() {
    let app = TestApp::new();
    let admin = token(&app, r#"{"name":"ann","role":"admin"}"#).await;
    let over_http = log_in(&app, &admin, &[("host", "queue.example")]).await;
    assert!(over_http.status == 403 && over_http.body.contains("https://"), "{}", over_http.body);
    assert!(!over_http.headers.contains_key("set-cookie"));
    let by_proxy = [("host", "queue.example"), ("origin", "https://queue.example"), SAME];
    let by_proxy = log_in(&app, &admin, &by_proxy).await;
    let set = by_proxy.headers["set-cookie"].to_str().unwrap();
    assert!(set.starts_with("__Host-enginehouse=") && set.ends_with("; Secure"), "{set}");
    let cookie = cookie_of(&by_proxy);
    assert_eq!(called(&app, &cookie, "GET /v1/stats", &[SAME]).await, 200);
    app.close().await;
}

#[tokio::test]
async fn a_browser_without_a_session_is_shown_where_to_log_in() {
    let app = TestApp::new();
    let open = app.send(with("GET /login", "", "", &[])).await;
    assert!(open.status == 200 && open.body.contains("No login is needed"), "{}", open.body);
    assert!(!app.send(with("GET /", "", "", &[])).await.body.contains("/login"));
    let needless = app.send(with("POST /login", FORM, "token=x&next=//evil.example", &[])).await;
    assert_eq!((needless.status, &needless.headers["location"]), (303, &"./".parse().unwrap()));
    token(&app, r#"{"name":"ann","role":"admin"}"#).await;

    let page = app.send(with("GET /v1/events?status=failed", "", "", &[("accept", TEXT)])).await;
    assert_eq!(page.status, 303, "{}", page.body);
    assert_eq!(page.headers["location"], "../login?next=%2Fv1%2Fevents%3Fstatus%3Dfailed");
    for headers in [&[("accept", "application/json")][..], &[], &[("accept", TEXT), ("authorization", "Bearer x")]] {
        let call = app.send(with("GET /v1/events", "", "", headers)).await;
        assert!(call.status == 401 && call.headers.contains_key("www-authenticate"), "{headers:?}");
    }
    assert_eq!(app.send(with("POST /v1/events", "", "", &[("accept", TEXT)])).await.status, 401);
    // From a link of another site a browser keeps the cookie back until a page of this one asks.
    let linked = app.send(with("GET /login?next=/docs/", "", "", &[("sec-fetch-site", "cross-site")])).await;
    assert!(linked.body.contains("http-equiv=\"refresh\" content=\"0; url=./login?next=/docs/\""), "{}", linked.body);
    let asked = app.send(with("GET /login?next=/docs/", "", "", &[SAME])).await;
    assert!(!asked.body.contains("http-equiv"), "{}", asked.body);
    // A listener of metrics alone has no page to log in on.
    let metrics = router(app.app.clone(), ListenerRole::Metrics);
    let answer = answer_of(&metrics, with("GET /metrics", "", "", &[("accept", TEXT)])).await;
    assert_eq!(answer.status, 401, "{}", answer.body);
    app.close().await;
}

#[tokio::test]
async fn each_answer_says_what_a_browser_may_do_with_it() {
    let app = TestApp::new();
    for (path, policy, opener) in [
        (
            "/",
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
             base-uri 'self'; form-action 'self'; frame-ancestors 'none'",
            true,
        ),
        (
            "/login",
            "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
            true,
        ),
        ("/v1/stats", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", false),
        ("/nothing", "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'", true),
    ] {
        let answer = app.send(with(&format!("GET {path}"), "", "", &[])).await;
        let header = |name: &str| answer.headers.get(name).map(|value| value.to_str().unwrap());
        assert_eq!(header("content-security-policy"), Some(policy), "{path}");
        assert_eq!(header("x-content-type-options"), Some("nosniff"));
        assert_eq!(header("cross-origin-resource-policy"), Some("same-origin"));
        assert_eq!(header("cross-origin-opener-policy"), opener.then_some("same-origin"), "{path}");
        let referrer = if path == "/login" { "same-origin" } else { "no-referrer" };
        assert_eq!(header(header::REFERRER_POLICY.as_str()), Some(referrer), "{path}");
    }
    for path in ["/docs/", "/docs/api/"] {
        let answer = app.send(with(&format!("GET {path}"), "", "", &[])).await;
        let policy = answer.headers["content-security-policy"].to_str().unwrap();
        assert!(policy.contains("frame-ancestors 'none'") && policy.contains("base-uri 'none'"), "{path}: {policy}");
    }
    app.close().await;
}
