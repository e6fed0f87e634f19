//! What systemd says of the units that come with a service.

use std::fs;
use std::path::Path;
use std::process::Command;

/// The worst score that is good enough, of 0 to 100.
const MAX_EXPOSURE: &str = "20";

/// Has the units of the service `name` checked, with `binary` in the place that they name.
pub(crate) fn check(name: &str, binary: &str) {
    let tool = "systemd-analyze";
    if Command::new(tool).arg("--version").output().is_err() {
        assert!(std::env::var_os("CI").is_none(), "no {tool}");
        eprintln!("skipped: no {tool}");
        return;
    }
    let units = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/systemd");
    let copies =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("units-{}", std::process::id()));
    fs::create_dir_all(&copies).unwrap();
    let [service, socket] = ["service", "socket"].map(|kind| {
        let file = format!("{name}.{kind}");
        let unit = fs::read_to_string(units.join(&file)).unwrap();
        let unit = unit.replace(&format!("/usr/local/bin/{name}"), binary);
        fs::write(copies.join(&file), unit).unwrap();
        format!("./{file}")
    });
    for args in [
        vec!["verify", "--man=no", &service, &socket],
        vec!["security", "--offline=true", "--no-pager", "--threshold", MAX_EXPOSURE, &service],
    ] {
        let ran = Command::new(tool).args(&args).current_dir(&copies).output().unwrap();
        let told = [ran.stdout, ran.stderr].map(|told| String::from_utf8(told).unwrap()).concat();
        assert!(ran.status.success(), "{args:?} {told}");
        assert!(args[0] == "security" || told.is_empty(), "{args:?} {told}");
    }
    fs::remove_dir_all(&copies).unwrap();
}
