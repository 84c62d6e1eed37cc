//! `practice-browser ADDRESS`: stands in for the browser that `tokenferry login` opens, where `BROWSER` names it. It
//! gets the address, follows where it is sent, as a browser does, and ends with 0 if it landed on a good page.
//!
//! It needs a practice provider that authorizes on its own: it presses no button. Where `PRACTICE_BROWSER_TRACE` names
//! a file, it notes there what it was given, for those who search for secrets in arguments and environments.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "this is a test's program, run by hand now and then")]

use std::{env, error::Error, fmt::Write as _, fs, process::ExitCode, time::Duration};

/// Everything happens on loopback; what takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Some(address) = env::args().nth(1) else {
        eprintln!("practice-browser: which address?");
        return ExitCode::from(2);
    };
    match visit(&address).await {
        Ok(page) => {
            println!("{page}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("practice-browser: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn visit(address: &str) -> Result<String, Box<dyn Error>> {
    leave_trace()?;
    // Said once for the process; a second time would only be refused.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().timeout(PATIENCE).build()?;
    Ok(client.get(address).send().await?.error_for_status()?.text().await?)
}

fn leave_trace() -> std::io::Result<()> {
    let Some(file) = env::var_os("PRACTICE_BROWSER_TRACE") else { return Ok(()) };
    let mut trace = String::new();
    for argument in env::args() {
        let _ = writeln!(trace, "{argument}");
    }
    for (name, value) in env::vars() {
        let _ = writeln!(trace, "{name}={value}");
    }
    fs::write(file, trace)
}
