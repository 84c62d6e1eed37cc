//! The desktop as the page's host: windows, the browser, the official CLI, starting at login.

use engine::sign_in::CliCall;
use page::{Answer, Host, Printed, Program, Way, Window};
use tauri::AppHandle;
use tauri_plugin_shell::ShellExt;
use tauri_plugin_shell::process::{CommandChild, CommandEvent};
use tokio::sync::mpsc;
use url::Url;

use crate::{browser, sign_in, start_at_login, windows};

/// What the official CLI prints waits here until it is taken.
const PIECES: usize = 64;

/// The app.
#[derive(Debug)]
pub(crate) struct Desktop(pub(crate) AppHandle);

impl Host for Desktop {
    fn ways(&self) -> &'static [Way] {
        &[Way::Window, Way::Browser, Way::Paste, Way::Cli]
    }

    fn open(&self, url: &Url) -> bool {
        browser::open(url);
        true
    }

    fn window(&self, url: &Url, redirect: &Url, on_loopback: bool) -> Result<Window, String> {
        sign_in::window::open(&self.0, url, redirect, on_loopback).map_err(|why| why.to_string())
    }

    fn program(&self, call: &CliCall) -> Result<Program, String> {
        let mut command = self.0.shell().command(call.program()).args(call.arguments()).set_raw_out(true);
        for (name, value) in call.environment() {
            command = command.env(name, value);
        }
        let (events, child) = command.spawn().map_err(|why| why.to_string())?;
        let (heard, printed) = mpsc::channel(PIECES);
        let (lines, read) = mpsc::unbounded_channel();
        tauri::async_runtime::spawn(attend(events, child, heard, read));
        Ok(Program { printed, lines })
    }

    fn sign_in_is_over(&self) {
        windows::bring_main(&self.0);
    }

    fn starts_at_login(&self) -> Option<bool> {
        start_at_login::is_set()
    }

    fn set_start_at_login(&self, on: bool) -> Answer<()> {
        start_at_login::set(on)
    }
}

/// Carries to and fro until the program ends, or until nobody has the other end any more: then it is killed.
async fn attend(
    mut events: mpsc::Receiver<CommandEvent>,
    child: CommandChild,
    heard: mpsc::Sender<Printed>,
    mut lines: mpsc::UnboundedReceiver<String>,
) {
    let mut child = Some(child);
    loop {
        let told = tokio::select! {
            event = events.recv() => match event {
                Some(CommandEvent::Stdout(bytes) | CommandEvent::Stderr(bytes)) => Printed::Piece(bytes),
                Some(CommandEvent::Error(_)) => continue,
                Some(CommandEvent::Terminated(ended)) => {
                    child = None;
                    Printed::Ended(ended.code == Some(0))
                }
                _ => break,
            },
            line = lines.recv() => {
                let Some(line) = line else { break };
                if child.as_mut().is_some_and(|child| child.write(format!("{line}\n").as_bytes()).is_ok()) {
                    continue;
                }
                Printed::Deaf
            }
        };
        if heard.send(told).await.is_err() {
            break;
        }
    }
    if let Some(child) = child
        && child.kill().is_ok()
    {
        // It is gone with its last event, and only then the channel closes.
        while !matches!(events.recv().await, Some(CommandEvent::Terminated(_)) | None) {}
    }
}
