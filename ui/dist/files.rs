// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "7029504642353e1f";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index--kfP16hv.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index--kfP16hv.js") },
    BuiltFile { name: "index-CmO6u23E.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-CmO6u23E.css") },
];
