//! Compiles the practice app as one static file, for the library to hold. On Linux alone, where containers run.

use std::{
    env,
    path::PathBuf,
    process::{Command, ExitCode},
};

const SOURCE: &str = "app/main.rs";

fn main() -> ExitCode {
    println!("cargo::rerun-if-changed={SOURCE}");
    println!("cargo::rerun-if-changed=build.rs");
    if env::var("CARGO_CFG_TARGET_OS").as_deref() != Ok("linux") {
        return ExitCode::SUCCESS;
    }
    match compile() {
        Ok(()) => ExitCode::SUCCESS,
        Err(complaint) => {
            println!("cargo::error=The practice app was not built. {}", complaint.replace('\n', " "));
            ExitCode::FAILURE
        }
    }
}

fn compile() -> Result<(), String> {
    let variable = |name| env::var(name).map_err(|_| format!("Cargo did not set {name}."));
    let program = PathBuf::from(variable("OUT_DIR")?).join("practice-app");
    let mut rustc = Command::new(variable("RUSTC")?);
    rustc.args(["--edition=2024", "--crate-name=practice_app", "--target", &variable("TARGET")?, "-O"]);
    for option in ["target-feature=+crt-static", "strip=symbols", "panic=abort"] {
        rustc.args(["-C", option]);
    }
    if let Ok(linker) = env::var("RUSTC_LINKER") {
        rustc.args(["-C", &format!("linker={linker}")]);
    }
    let built = rustc.arg(SOURCE).arg("-o").arg(program).output();
    let built = built.map_err(|error| format!("The compiler could not be started ({error})."))?;
    if built.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&built.stderr);
    let missing = said.contains("cannot find -lc") || said.contains("have you installed the static version");
    let hint = if missing {
        "The static C library is missing: install libc6-dev (Debian) or glibc-static (Fedora). "
    } else {
        ""
    };
    Err(format!("{hint}The compiler said: {said}"))
}
