// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "fc09cb53e17bfb53";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-BlOujNnY.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-BlOujNnY.js") },
    BuiltFile { name: "index-CiEX-bDF.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-CiEX-bDF.css") },
];
