// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "ff74ae3764aa4af8";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-C9cu41Mg.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-C9cu41Mg.css") },
    BuiltFile { name: "index-C_ul5RCX.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-C_ul5RCX.js") },
];
