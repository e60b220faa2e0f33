// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "b87f1404a54ab3b2";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-DCb3VXUt.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-DCb3VXUt.js") },
    BuiltFile { name: "index-l8hGTjhS.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-l8hGTjhS.css") },
];
