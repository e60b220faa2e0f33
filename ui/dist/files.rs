// Written by the build of the dashboard.
const INDEX: &str = include_str!("index.html");
const INDEX_HASH: &str = "bf5b061141a993db";
static ASSETS: [BuiltFile; 3] = [
    BuiltFile { name: "icon-DRGIQG5M.svg", content_type: "image/svg+xml", bytes: include_bytes!("assets/icon-DRGIQG5M.svg") },
    BuiltFile { name: "index-BJjOc2C1.css", content_type: "text/css; charset=utf-8", bytes: include_bytes!("assets/index-BJjOc2C1.css") },
    BuiltFile { name: "index-DewTgLA_.js", content_type: "text/javascript; charset=utf-8", bytes: include_bytes!("assets/index-DewTgLA_.js") },
];
