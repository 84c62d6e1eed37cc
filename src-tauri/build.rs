//! Makes of the app's settings what Tauri compiles in, and says what to do where the page has not been built.

use std::path::Path;
use std::process::ExitCode;

/// What the page may ask for, by the names of the commands. None is allowed to anybody but by a capability that names it.
const COMMANDS: &[&str] = &[
    "activity",
    "add_directory",
    "add_volume",
    "approve",
    "discover",
    "mend",
    "open_url",
    "problems",
    "refresh",
    "remove_destination",
    "set_paused",
    "set_quiet",
    "set_start_at_login",
    "sign_in",
    "sign_in_cancel",
    "sign_in_paste",
    "sign_in_replace",
    "sign_out",
    "snippet",
    "sync",
    "usage",
    "used_by",
    "view",
];

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed=../ui/dist/index.html");
    if !Path::new("../ui/dist/index.html").is_file() {
        println!(
            "cargo::error=The app's page has not been built. Run: npm --prefix ui ci && npm --prefix ui run build"
        );
        return ExitCode::FAILURE;
    }
    let manifest = tauri_build::AppManifest::new().commands(COMMANDS);
    match tauri_build::try_build(tauri_build::Attributes::new().app_manifest(manifest)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            println!("cargo::error={why:#}");
            ExitCode::FAILURE
        }
    }
}
