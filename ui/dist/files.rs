// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "ffb46e38cbb314f5";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-CmO6u23E.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-CmO6u23E.css") },
    BuiltFile { name: "index-DlAJPCoG.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-DlAJPCoG.js") },
];
