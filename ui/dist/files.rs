// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "08c1b8976f427265";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-DrmjATDz.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-DrmjATDz.css") },
    BuiltFile { name: "index-vBTAz6FU.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-vBTAz6FU.js") },
];
