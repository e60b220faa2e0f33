// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "45f868ec65b9aae4";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-4Ow4uQox.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-4Ow4uQox.js") },
    BuiltFile { name: "index-cdS29jbR.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-cdS29jbR.css") },
];
