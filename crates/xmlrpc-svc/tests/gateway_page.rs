//! What `docs/gateway.md` shows is what the service reads.
#![allow(clippy::unwrap_used, clippy::panic)]

use xmlrpc_svc::gateway::file::GatewayFile;
use xmlrpc_svc::gateway::taken::Taken;

#[test]
fn every_file_on_the_page_is_read() {
    let page =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/gateway.md"));
    let page = page.unwrap();
    let files = page.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let dir = std::env::temp_dir().join(format!("gateway-page-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    let path = dir.join("gateway.toml");
    let mut number = 0;
    for text in files {
        std::fs::write(&path, text).unwrap();
        for login in text.split("\nlogin = \"").skip(1) {
            std::fs::write(dir.join(login.split('"').next().unwrap()), "ana:secret\n").unwrap();
        }
        let read = GatewayFile::read(&path, &Taken::default());
        assert!(read.is_ok(), "{}\n{text}", read.unwrap_err());
        number += 1;
    }
    std::fs::remove_dir_all(&dir).unwrap();
    assert!(number >= 2, "{number}");
}
