//! The official CLI in a container: where it is, and one short real request with it. Looking for it executes nothing.

use std::time::Duration;

use bollard::container::LogOutput;
use bollard::exec::{StartExecOptions, StartExecResults};
use bollard::models::ExecConfig;
use bollard::query_parameters::ContainerArchiveInfoOptionsBuilder;
use futures_util::StreamExt;
use tokio::time::timeout;

use super::survey::Container;
use super::{Docker, EngineError};

/// The program's name.
const CLI: &str = "claude";
/// Where programs are looked for in a container that names no PATH: what engines set.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// Where the CLI's own installer puts it, below a home. Often on the PATH of shells alone.
const INSTALLED: &str = ".local/bin";
/// What is asked: one word.
const PROMPT: &str = "hi";
/// An answer takes seconds; a CLI that meets troubles tries again for minutes, and nobody waits for that.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// More than this of what the CLI says is not kept, in bytes.
const MOST_SAID: usize = 16 * 1024;
/// No more than this of what the CLI says is told, in characters.
const MOST_TOLD: usize = 200;

/// What the engine calls a folder, or a symbolic link, in a mode.
const FOLDER: u32 = 1 << 31;
const LINK: u32 = 1 << 27;
const EXECUTABLE: u32 = 0o111;

/// What became of a real request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// It was answered.
    Answered,
    /// It was not, and what the CLI said of it.
    Refused(String),
    /// No answer within a minute. The CLI may still be at it.
    Late,
}

impl Docker {
    /// The path of the official CLI in a container, looked for in the folders of its PATH and where the CLI's own
    /// installer puts it.
    pub async fn find_cli(&self, container: &Container) -> Option<String> {
        for path in places(container) {
            let options = ContainerArchiveInfoOptionsBuilder::new().path(&path).build();
            // A folder that is not there, and a container that is gone, have no CLI.
            let found = self.api.get_container_archive_info(&container.id, Some(options)).await;
            if found.is_ok_and(|found| is_program(found.file_mode)) {
                return Some(path);
            }
        }
        None
    }

    /// Makes one short real request with the CLI at a path in a container, as the container's own user and in its own
    /// environment: what is asked for, and paid, is the container's doing.
    ///
    /// # Errors
    /// The engine can't run it, as in a container that is paused.
    pub async fn request_with_cli(&self, container: &str, program: &str) -> Result<Reply, EngineError> {
        let config = ExecConfig {
            cmd: Some(vec![program.to_owned(), "-p".to_owned(), PROMPT.to_owned()]),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            ..ExecConfig::default()
        };
        let exec = self.call("prepare a command", self.api.create_exec(container, config)).await?.id;
        let started = self.call("run a command", self.api.start_exec(&exec, None::<StartExecOptions>)).await?;
        let StartExecResults::Attached { mut output, .. } = started else { return Ok(Reply::Late) };
        let mut said = Vec::new();
        let listen = async {
            while let Some(part) = output.next().await {
                let part = part.map_err(|error| EngineError::from_call(&error, &self.reach))?;
                if let LogOutput::StdOut { message } | LogOutput::StdErr { message } = part {
                    said.extend(message.iter().take(MOST_SAID.saturating_sub(said.len())));
                }
            }
            Ok(())
        };
        match timeout(ANSWER_WITHIN, listen).await {
            Err(_) => return Ok(Reply::Late),
            Ok(heard) => heard?,
        }
        let ended = self.call("tell how a command ended", self.api.inspect_exec(&exec)).await?;
        Ok(if ended.exit_code == Some(0) { Reply::Answered } else { Reply::Refused(told(&said)) })
    }
}

/// Where a container's CLI may be, in the order in which it would be found.
fn places(container: &Container) -> Vec<String> {
    let setup = container.setup.as_ref();
    let path = setup.and_then(|setup| setup.environment.value("PATH")).unwrap_or(PATH);
    let home = setup.and_then(|setup| setup.home.as_deref());
    let folders = path.split(':').filter(|folder| folder.starts_with('/')).map(str::to_owned);
    let installed = home.map(|home| format!("{}/{INSTALLED}", home.trim_end_matches('/')));
    let mut places = Vec::new();
    for folder in folders.chain(installed) {
        let place = format!("{}/{CLI}", folder.trim_end_matches('/'));
        if !places.contains(&place) {
            places.push(place);
        }
    }
    places
}

/// A link is taken at its word: npm makes one.
fn is_program(mode: u32) -> bool {
    mode & FOLDER == 0 && (mode & LINK != 0 || mode & EXECUTABLE != 0)
}

/// The first line of what the CLI said, fit for a terminal, and without words that look like tokens.
fn told(said: &[u8]) -> String {
    let text = String::from_utf8_lossy(said);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or("it said nothing");
    let words = line.split_whitespace().map(|word| if word.contains("sk-ant-") { "[redacted]" } else { word });
    let line = words.collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(MOST_TOLD).collect()
}

#[cfg(test)]
mod tests {
    use super::super::survey::{Setup, Variables};
    use super::*;

    #[test]
    fn the_cli_is_looked_for_where_the_container_would_find_it() {
        let with = |lines: &[&str], home: Option<&str>| Container {
            setup: Some(Setup {
                environment: Variables::read(lines.iter().copied()),
                home: home.map(str::to_owned),
                ..Setup::default()
            }),
            ..Container::default()
        };
        assert_eq!(places(&with(&["PATH=/a:.:/b/:/a"], None)), ["/a/claude", "/b/claude"]);
        assert_eq!(places(&with(&["PATH=/a"], Some("/home/ada"))), ["/a/claude", "/home/ada/.local/bin/claude"]);
        assert!(places(&Container::default()).contains(&"/usr/local/bin/claude".to_owned()));
    }

    #[test]
    fn a_program_or_a_link_to_one_is_a_cli() {
        for (mode, expected) in [(0o755, true), (0o644, false), (LINK | 0o777, true), (FOLDER | 0o755, false)] {
            assert_eq!(is_program(mode), expected, "{mode:o}");
        }
    }

    #[test]
    fn what_the_cli_says_is_told_without_tricks_and_tokens() {
        let said = b"\n  \x1b[31mAPI Error: 401 for sk-ant-oat01-canary, sorry\nmore";
        assert_eq!(told(said), "[31mAPI Error: 401 for [redacted] sorry");
        assert_eq!(told(b""), "it said nothing");
        assert_eq!(told("x".repeat(500).as_bytes()).len(), MOST_TOLD);
    }
}
