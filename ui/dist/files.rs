// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "1d7c536e45c9d0ce";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-CO-GmZS8.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-CO-GmZS8.css") },
    BuiltFile { name: "index-DyUL9YcX.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-DyUL9YcX.js") },
];
