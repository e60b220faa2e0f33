// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "beb4ce3519072002";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-BCunaKbV.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-BCunaKbV.js") },
    BuiltFile { name: "index-DeIfjZjs.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-DeIfjZjs.css") },
];
