// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "6875efa47f1a8ea4";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-CiEX-bDF.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-CiEX-bDF.css") },
    BuiltFile { name: "index-iV9XdT95.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-iV9XdT95.js") },
];
