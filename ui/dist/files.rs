// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "b28ee8e7bf49224b";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-4ZjxA4ph.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-4ZjxA4ph.js") },
    BuiltFile { name: "index-Da8wNuIc.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-Da8wNuIc.css") },
];
