//! The commands, each a journey of the engine begun and its outcome told.

mod account;
mod activity;
mod ask;
mod consent;
mod deliver;
mod discover;
mod doctor;
mod engines;
pub(crate) mod export;
mod grant;
mod import;
mod litellm;
mod login;
mod login_by_cli;
mod logout;
mod man;
mod postgres;
mod prove;
mod run;
mod serve;
mod snippet;
mod status;
mod token;
mod tray;

use std::io::Write;
use std::sync::Arc;

use clap::CommandFactory;
use engine::provider::Wanted;
use engine::snippets::Wish;
use engine::{Engine, Surroundings};
use tokio_util::sync::CancellationToken;

use crate::args::{AccountCommand, Args, Command, Destination, EngineCommand, Litellm};
use crate::outcome::{Failure, Outcome};
use crate::{demo, talk};

/// Carries a command out. Ctrl-C and the system's wish to end stop it, but never between a token and its storing.
pub(crate) async fn carry_out(args: Args, surroundings: Surroundings) -> Result<Outcome, Failure> {
    let json = args.json;
    match args.command {
        Command::Completions { shell } => {
            // Into memory first: where the reader has gone away, what generates would panic.
            let mut script = Vec::new();
            clap_complete::generate(shell, &mut Args::command(), "tokenferry", &mut script);
            std::io::stdout().write_all(&script)?;
            Ok(Outcome::Done)
        }
        Command::Man { out } => {
            man::write(Args::command(), &out)?;
            Ok(Outcome::Done)
        }
        Command::Demo => demo::show(stopped()).await,
        Command::Doctor { fix } => doctor::examine(surroundings, fix, json, stopped()).await,
        Command::Token { from: Some(from), grant_file, .. } => ask::print(&from, grant_file, json).await,
        Command::Serve(serve) if serve.check => ask::check(&serve, json).await,
        // Its end is its own matter: it has a limit.
        Command::Serve(serve) if !serve.link => {
            serve::keep(Arc::new(Engine::open(surroundings)?), serve, json, stopped()).await
        }
        command => {
            let engine = Engine::open(surroundings)?;
            let done = match command {
                Command::Run => run::keep(&engine, json, stopped()).await,
                Command::Tray => tray::keep(&engine, json, stopped()).await,
                Command::Login { account, via_claude_cli: true, yes, .. } => {
                    login_by_cli::sign_in(&engine, account.name, yes, json, stopped()).await
                }
                Command::Login { account, one_year, paste: true, yes, .. } => {
                    login::by_pasting(&engine, account.name, wanted(one_year), yes, json, stopped()).await
                }
                command => {
                    let stop = stopped();
                    tokio::select! {
                        done = one_off(&engine, command, json) => done,
                        () = stop.cancelled() => Ok(Outcome::Interrupted),
                    }
                }
            };
            engine.finish().await;
            done
        }
    }
}

async fn one_off(engine: &Engine, command: Command, json: bool) -> Result<Outcome, Failure> {
    match command {
        Command::Login { account, one_year, yes, .. } => {
            login::in_browser(engine, account.name, wanted(one_year), yes, json).await
        }
        Command::Account(AccountCommand::AddApiKey { account, check, yes }) => {
            account::add_api_key(engine, account.name, check, yes, json).await
        }
        Command::Account(AccountCommand::List) => account::list(engine, json),
        Command::Account(AccountCommand::Remove { name }) => logout::sign_out(engine, Some(name), json).await,
        Command::Callback { code, yes } => login::finish(engine, code, yes, json).await,
        Command::Import { account, from, take_out, yes } => {
            import::take_over(engine, account.name, from, take_out, yes, json).await
        }
        Command::Status => status::show(engine, json),
        Command::Refresh { account } => token::renew(engine, account.name, json).await,
        Command::Serve(_) => serve::link(engine),
        Command::Grant(command) => grant::carry_out(engine, command, json).await,
        Command::Token { account, .. } => token::print(engine, account.name, json).await,
        Command::Logout { account } => logout::sign_out(engine, account.name, json).await,
        Command::Sync { names, replace, prove, request } => {
            let proving = deliver::Proving { wanted: prove, request };
            deliver::sync(engine, &names, replace, proving, json).await
        }
        Command::Destination(Destination::Add {
            name,
            place,
            engine: on,
            account,
            format,
            owner,
            ready_to_use,
            yes,
        }) => {
            let place = place.read()?;
            let format = format.unwrap_or_else(|| place.usual_format());
            let destination = engine::settings::Destination {
                name,
                place,
                account: account.map_or_else(|| engine.account(None).or_else(deliver::first_account), Ok)?,
                format,
                owner,
                ready_to_use,
            };
            deliver::add(engine, destination, on.as_deref(), yes, json).await
        }
        Command::Destination(Destination::Remove { name }) => deliver::remove(engine, &name, json).await,
        Command::Engine(EngineCommand::List) => engines::list(engine, json).await,
        Command::Destination(Destination::List) => status::destinations(engine, json),
        Command::Destination(Destination::Discover { engine: on, approve, approve_all, account }) => {
            let approval = match (approve_all, approve.is_empty()) {
                (true, _) => discover::Approval::All,
                (false, false) => discover::Approval::Named(approve),
                (false, true) => discover::Approval::Asked,
            };
            discover::discover(engine, on.as_deref(), approval, account, json).await
        }
        Command::Snippet { kind, destination, image, read_only, service, mount, account, litellm } => {
            let destination = destination.as_deref();
            let Some(kind) = kind.of_a_container() else {
                let litellm = Litellm { image, mount: Some(mount), ..litellm };
                return litellm::print(engine, destination, litellm, json);
            };
            let wish = Wish { image, service, mount, read_only };
            snippet::print(engine, kind, destination, account, &wish, json)
        }
        Command::Export(export) => export::export(engine, export).await,
        Command::Postgres(command) => postgres::carry_out(engine, command, json).await,
        Command::Activity { most } => activity::show(engine, most, json),
        // Carried out above, without an installation or on its own terms.
        Command::Run
        | Command::Tray
        | Command::Demo
        | Command::Doctor { .. }
        | Command::Completions { .. }
        | Command::Man { .. } => Ok(Outcome::Done),
    }
}

fn wanted(one_year: bool) -> Wanted {
    if one_year { Wanted::OneYear } else { Wanted::SignIn }
}

/// Cancelled when the person or the system wants the program to end.
fn stopped() -> CancellationToken {
    let stop = CancellationToken::new();
    let (told, wish) = (stop.clone(), wish_to_end());
    tokio::spawn(async move {
        wish.await;
        told.cancel();
    });
    stop
}

/// Listens from the call on: a signal that comes before the first poll counts.
#[cfg(unix)]
fn wish_to_end() -> impl Future<Output = ()> {
    use tokio::signal::unix::{SignalKind, signal};
    let signals = (signal(SignalKind::interrupt()), signal(SignalKind::terminate()));
    async move {
        if let (Ok(mut interrupt), Ok(mut terminate)) = signals {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        } else {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn wish_to_end() {
    let _ = tokio::signal::ctrl_c().await;
}

/// Gives a report as JSON.
fn report(value: &impl serde::Serialize) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(std::io::Error::other)?;
    talk::data(format_args!("{text}"))
}
