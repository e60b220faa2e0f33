// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "006e27abad9d0099";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-CO-GmZS8.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-CO-GmZS8.css") },
    BuiltFile { name: "index-DaVvwWNN.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-DaVvwWNN.js") },
];
