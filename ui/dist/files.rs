// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "9a3f404ce5d1d894";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-BQZHvd29.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-BQZHvd29.js") },
    BuiltFile { name: "index-cdS29jbR.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-cdS29jbR.css") },
];
