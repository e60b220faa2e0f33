// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "277febffb1f1cd47";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-By8qUX6K.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-By8qUX6K.js") },
    BuiltFile { name: "index-DGHbv7Mx.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-DGHbv7Mx.css") },
];
