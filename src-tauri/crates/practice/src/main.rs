//! `tokenferry-practice`: the practice provider as a program. The first line on standard output is its URL; after
//! that it is quiet.

use std::process::ExitCode;

use clap::Parser;
use practice::{Listen, Options, Practice, StartError};
use tokio::sync::oneshot;

/// A stand-in for Claude's sign-in server and API. It listens on 127.0.0.1 alone, and its tokens are worth nothing.
#[derive(Debug, Parser)]
#[command(version)]
struct Arguments {
    /// The port on 127.0.0.1; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,

    /// Serve the control interface under /practice/, which tells every secret to whoever asks.
    #[arg(long)]
    control: bool,

    /// End when standard input closes, so that whoever started this never leaves it behind.
    #[arg(long)]
    until_stdin_closes: bool,

    #[command(flatten)]
    options: Options,
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), StartError> {
    let listen = Listen { port: arguments.port, control: arguments.control };
    let practice = Practice::start_at(listen, arguments.options).await?;
    announce(&practice.url());
    tokio::select! {
        // Without a handler for Ctrl-C the system's own ends the program just as well.
        Ok(()) = tokio::signal::ctrl_c() => {}
        () = stdin_closed(arguments.until_stdin_closes) => {}
    }
    practice.stop().await;
    Ok(())
}

/// Returns when standard input is at its end; never, where nobody `asked`.
async fn stdin_closed(asked: bool) {
    if !asked {
        return std::future::pending().await;
    }
    let (sender, closed) = oneshot::channel::<()>();
    // A thread of its own, since the runtime would wait at its end for a read that it has under way.
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut std::io::stdin().lock(), &mut std::io::sink());
        drop(sender);
    });
    let _ = closed.await;
}

#[expect(clippy::print_stdout, reason = "the URL is what this program is asked for")]
fn announce(url: &str) {
    println!("{url}");
}

#[expect(clippy::print_stderr, reason = "there is no other place to say why it does not start")]
fn complain(error: &StartError) {
    eprintln!("{error}");
}
