//! The pages that people read: what is on them, and where their links lead.

use enginehouse_api::problem::Code;
use http::header;
use strum::VariantArray;

use crate::app::{Answer, TestApp, request};

/// A page, wherever it has moved to.
async fn page(app: &TestApp, path: &str) -> Answer {
    let answer = app.send(request(&format!("GET {path}"), "", "")).await;
    match answer.headers.get(header::LOCATION) {
        Some(place) => app.send(request(&format!("GET {}", resolved(path, place.to_str().unwrap())), "", "")).await,
        None => answer,
    }
}

/// Where a reference leads to that stands in an answer. One that began at the root would leave the path of a proxy.
fn resolved(path: &str, reference: &str) -> String {
    assert!(reference.starts_with('.'), "{path} leads to {reference}");
    let (mut folder, mut rest) = (path.rsplit_once('/').unwrap().0, reference.trim_start_matches("./"));
    while let Some(further) = rest.strip_prefix("../") {
        (folder, rest) = (folder.rsplit_once('/').unwrap().0, further);
    }
    format!("{folder}/{rest}")
}

#[tokio::test]
async fn every_problem_has_a_page_that_the_list_leads_to() {
    let app = TestApp::new();
    let list = page(&app, "/problems").await;
    assert_eq!((list.status, &list.headers[header::CONTENT_TYPE]), (200, &"text/html; charset=utf-8".parse().unwrap()));
    for code in Code::VARIANTS {
        assert!(list.body.contains(&format!("problems/{code}.html\">{code}</a></td>")), "{code} is on the list");
        let page = page(&app, &format!("/problems/{code}")).await;
        assert_eq!(page.headers[header::CONTENT_TYPE], "text/html; charset=utf-8", "{code}");
        let title = page.body.find(&format!("<h1 id=\"{code}\">")).unwrap_or_else(|| panic!("{}", page.body));
        let status = page.body.find(&format!("<p>Status {}", code.status().as_u16()));
        let advice = page.body.find("<strong>What to do.</strong>");
        assert!(Some(title) < status && status < advice, "{code}: {}", page.body);
    }
    let missing = page(&app, "/problems/nothing").await;
    assert_eq!(missing.status, 404, "{}", missing.body);
    app.close().await;
}

#[tokio::test]
async fn a_program_reads_the_problems_as_json() {
    let app = TestApp::new();
    let get = async |path: &str| {
        let mut asked = request(&format!("GET {path}"), "", "");
        asked.headers_mut().insert(header::ACCEPT, "application/json".parse().unwrap());
        let answer = app.send(asked).await;
        assert_eq!(answer.headers[header::CONTENT_TYPE], "application/json", "{}", answer.body);
        assert!(answer.headers[header::VARY].to_str().unwrap().contains("accept"));
        serde_json::from_str::<serde_json::Value>(&answer.body).unwrap()
    };
    let list = get("/problems").await;
    let codes: Vec<_> = list["items"].as_array().unwrap().iter().map(|item| item["code"].as_str().unwrap()).collect();
    assert_eq!(codes, Code::VARIANTS.iter().map(|code| code.name()).collect::<Vec<_>>());
    let one = get("/problems/too_large").await;
    assert_eq!((&one["type"], &one["status"]), (&"/problems/too_large".into(), &413.into()));
    app.close().await;
}

#[tokio::test]
async fn links_of_the_first_page_lead_somewhere() {
    let app = TestApp::new();
    let first = page(&app, "/").await;
    let links: Vec<_> = first.body.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    assert!(links.len() >= 9 && links.contains(&"problems"), "{links:?}");
    for link in links {
        let link = format!("/{}", link.trim_start_matches("./"));
        assert_eq!(page(&app, &link).await.status, 200, "{link}");
    }
    app.close().await;
}
