// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "897a8903c2f123cf";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-D0klrVFf.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-D0klrVFf.css") },
    BuiltFile { name: "index-D9pYm63R.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-D9pYm63R.js") },
];
