//! The practice app in its container: what it says, whether it is still the same, and how the file looks from in there.

use std::pin::Pin;
use std::time::Duration;

use bollard::Docker;
use bollard::container::LogOutput;
use bollard::errors::Error as CallError;
use bollard::exec::StartExecResults;
use bollard::models::{ContainerState, ExecConfig};
use bollard::query_parameters::{InspectContainerOptions, LogsOptionsBuilder};
use futures_util::{Stream, StreamExt, TryStreamExt};
use serde::Deserialize;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::sandbox::{FOLDER, called};
use super::{failed, failed_with};
use crate::outcome::Failure;

/// The app asks several times a second; on a busy machine its container may take seconds to get its turn.
const SAYS_WITHIN: Duration = Duration::from_secs(20);
/// What a command in the container may take beyond its own time.
const COMMAND_WITHIN: Duration = Duration::from_secs(20);

type Output = Pin<Box<dyn Stream<Item = Result<LogOutput, CallError>> + Send>>;

/// The app, running.
pub(super) struct App {
    docker: Docker,
    id: String,
    /// When it was started, and as which process of the engine's machine: another after every restart.
    run: (Option<String>, Option<i64>),
    output: Output,
    unread: String,
    last: String,
    stop: CancellationToken,
}

impl App {
    /// Listens to a container that was just started.
    pub(super) async fn attend(docker: Docker, id: String, stop: CancellationToken) -> Result<Self, Failure> {
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(true).build();
        let output = docker.logs(&id, Some(options)).boxed();
        let run = run(&docker, &id).await?;
        Ok(Self { docker, id, run, output, unread: String::new(), last: String::new(), stop })
    }

    /// The beginning of its id, as docker shows it.
    pub(super) fn short_id(&self) -> &str {
        self.id.get(..12).unwrap_or(&self.id)
    }

    /// Waits until it says something with these words in it, and gives the line. It speaks when its outcome changes.
    pub(super) async fn says(&mut self, words: &str) -> Result<String, Failure> {
        let stop = self.stop.clone();
        let heard = tokio::select! {
            heard = timeout(SAYS_WITHIN, self.hears(words)) => heard,
            () = stop.cancelled() => return Err(Failure::Interrupted),
        };
        match heard {
            Ok(heard) => heard,
            Err(_) if self.last.starts_with("no answer") => Err(failed_with(
                "The app's container does not reach the practice provider: the engine's host is not this machine.",
                "So it is with Docker Desktop, rootless Docker and engines elsewhere. In Tokenferry's sources, \
                 `setup/with-engine target/debug/tokenferry demo` starts a private engine here.",
            )),
            Err(_) => {
                let seconds = SAYS_WITHIN.as_secs();
                Err(failed(format!("The app did not get there within {seconds} s. Its last words: {:?}.", self.last)))
            }
        }
    }

    async fn hears(&mut self, words: &str) -> Result<String, Failure> {
        loop {
            while let Some((line, rest)) = self.unread.split_once('\n') {
                let line = line.trim_end().to_owned();
                self.unread = rest.to_owned();
                self.last.clone_from(&line);
                if line.contains(words) {
                    return Ok(line);
                }
            }
            match called("read a container's log", self.output.try_next().await)? {
                Some(more) => self.unread.push_str(&String::from_utf8_lossy(&more.into_bytes())),
                None => return Err(failed(format!("The app's container ended. Its last words: {:?}.", self.last))),
            }
        }
    }

    /// Sees that it has been running all the time since it was started.
    pub(super) async fn expect_untouched(&self) -> Result<(), Failure> {
        if run(&self.docker, &self.id).await? == self.run {
            return Ok(());
        }
        Err(failed("The app's container was restarted, which nobody should have to do."))
    }

    /// Reads the file in the container, as fast as that goes, for so many seconds; once where that is 0. From when this
    /// returns, it is being read.
    pub(super) async fn begin_reading(&self, seconds: u64) -> Result<Reading, Failure> {
        let (file, seconds_word) = (format!("{FOLDER}/.credentials.json"), seconds.to_string());
        let uid = practice::app::NODE.to_string();
        let command = [
            "/app",
            "hammer",
            "--file",
            &file,
            "--uid",
            &uid,
            "--gid",
            &uid,
            "--mode",
            "600",
            "--threads",
            "1",
            "--seconds",
            &seconds_word,
        ];
        let wanted = ExecConfig {
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.map(str::to_owned).to_vec()),
            ..ExecConfig::default()
        };
        let made = called("run a command in a container", self.docker.create_exec(&self.id, wanted).await)?;
        let begun = called("run a command in a container", self.docker.start_exec(&made.id, None).await)?;
        let StartExecResults::Attached { output, .. } = begun else {
            return Err(failed("Docker gave no output of a command in a container."));
        };
        let mut reading =
            Reading { output, within: Duration::from_secs(seconds) + COMMAND_WITHIN, told: String::new() };
        reading.until(|told| told.contains("reading\n")).await?;
        Ok(reading)
    }
}

async fn run(docker: &Docker, id: &str) -> Result<(Option<String>, Option<i64>), Failure> {
    let inspected = docker.inspect_container(id, None::<InspectContainerOptions>).await;
    let state = called("look at a container", inspected)?.state;
    Ok(state.map_or((None, None), |ContainerState { started_at, pid, .. }| (started_at, pid)))
}

/// A process in the container that reads the file.
pub(super) struct Reading {
    output: Output,
    within: Duration,
    told: String,
}

/// What that process saw: how often it read, and how often something was not as it should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) struct Reads {
    pub(super) reads: u64,
    missing: u64,
    unreadable: u64,
    empty: u64,
    torn: u64,
    wrong_owner: u64,
    wrong_mode: u64,
}

impl Reading {
    /// Waits until the time is over. Every read found the file, whole, with the right owner and mode.
    pub(super) async fn end(mut self) -> Result<Reads, Failure> {
        self.until(|told| told.contains("}\n")).await?;
        let json = self.told.lines().find(|line| line.starts_with('{')).unwrap_or_default();
        let reads: Reads = serde_json::from_str(json)
            .map_err(|_| failed(format!("The reading process said: {}", self.told.trim())))?;
        let Reads { reads: all, missing, unreadable, empty, torn, wrong_owner, wrong_mode } = reads;
        if all > 0 && missing + unreadable + empty + torn + wrong_owner + wrong_mode == 0 {
            return Ok(reads);
        }
        Err(failed(format!("A read in the container did not find the file as it should be: {json}.")))
    }

    async fn until(&mut self, enough: impl Fn(&str) -> bool) -> Result<(), Failure> {
        let read = async {
            while !enough(&self.told) {
                match called("read a command's output", self.output.try_next().await)? {
                    Some(more) => self.told.push_str(&String::from_utf8_lossy(&more.into_bytes())),
                    None => return Err(failed(format!("The reading process ended early: {}", self.told.trim()))),
                }
            }
            Ok(())
        };
        let late = || failed("The process that reads the file in the container did not answer in time.");
        timeout(self.within, read).await.unwrap_or_else(|_| Err(late()))
    }
}
