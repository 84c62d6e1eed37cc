//! What goes wrong before an engine over SSH can be spoken to, told by how ssh ended and by what it said.
//!
//! 255 is ssh's own, anything else the other machine's. ssh's words are in English in any locale, and those that are
//! looked for have stayed the same for twenty years; what is not recognised is passed on as it was said.

use std::io;
use std::path::{Path, PathBuf};

use super::SshAddress;
use crate::destinations::NextStep;

/// Why there is no connection over SSH. `Display` says what happened, [`fix`](Self::fix) what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[expect(private_interfaces, reason = "an address is shown, and nothing else is done with it")]
pub enum SshError {
    /// There is no `ssh` here.
    #[error("The program {} can't be started: {reason}.", program.display())]
    NoProgram {
        /// What was to be started.
        program: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// The host's key is not among those that ssh knows.
    #[error("The key of {} is not known on this machine, so the host was not trusted.", at.host())]
    UnknownHost {
        /// Where.
        at: SshAddress,
    },
    /// The host shows another key than the one that ssh knows.
    #[error("{} shows another host key than the one known on this machine, so it was not trusted.", at.host())]
    ChangedHost {
        /// Where.
        at: SshAddress,
    },
    /// The host does not let us in.
    #[error("{} does not let you sign in.", at.host())]
    Refused {
        /// Where.
        at: SshAddress,
    },
    /// The host can't be found, or does not answer.
    #[error("{} can't be reached: {reason}.", at.host())]
    Unreachable {
        /// Where.
        at: SshAddress,
        /// What ssh says.
        reason: String,
    },
    /// The other machine has no docker program.
    #[error("On {} there is no docker program to speak to.", at.host())]
    NoDocker {
        /// Where.
        at: SshAddress,
    },
    /// The docker program over there may not use its engine.
    #[error("On {} you may not use Docker.", at.host())]
    NotAllowed {
        /// Where.
        at: SshAddress,
    },
    /// The docker program over there finds no engine.
    #[error("On {} Docker does not run: {reason}.", at.host())]
    NotRunning {
        /// Where.
        at: SshAddress,
        /// What docker says.
        reason: String,
    },
    /// The docker program over there came to its end.
    #[error("On {} Docker ended the connection: {reason}.", at.host())]
    Ended {
        /// Where.
        at: SshAddress,
        /// What docker says.
        reason: String,
    },
    /// Anything else.
    #[error("The connection to {} broke: {reason}.", at.host())]
    Lost {
        /// Where.
        at: SshAddress,
        /// What ssh says.
        reason: String,
    },
}

impl SshError {
    pub(super) fn no_program(program: &Path, error: &io::Error) -> Self {
        let reason = match error.kind() {
            io::ErrorKind::NotFound => "it is not there".to_owned(),
            _ => error.to_string(),
        };
        Self::NoProgram { program: program.to_owned(), reason }
    }

    /// From the code that ssh ended with, and its words.
    pub(super) fn told(at: &SshAddress, code: Option<i32>, said: &str) -> Self {
        let at = at.clone();
        let has = |words: &str| said.contains(words);
        match code {
            Some(255) if has("REMOTE HOST IDENTIFICATION HAS CHANGED") || has("REVOKED HOST KEY") => {
                Self::ChangedHost { at }
            }
            Some(255) if has("Host key verification failed") => Self::UnknownHost { at },
            Some(255) if has("Permission denied (") || has("Too many authentication failures") => Self::Refused { at },
            Some(255) => {
                let reason = last_line(said);
                let ours =
                    ["ssh: connect to host ", "ssh: Could not resolve hostname ", "kex_exchange_identification: "];
                let is_unreachable = ours.iter().any(|start| said.lines().any(|line| line.starts_with(start)));
                if is_unreachable || has("timed out") || has("Connection closed by") {
                    Self::Unreachable { at, reason: reason.strip_prefix("ssh: ").unwrap_or(&reason).to_owned() }
                } else {
                    Self::Lost { at, reason }
                }
            }
            // What every shell ends with where a command is not to be found, or not to be started.
            Some(126 | 127) => Self::NoDocker { at },
            Some(_) if has("permission denied") => Self::NotAllowed { at },
            Some(_) if has("connect:") || has("Cannot connect to the Docker daemon") => {
                Self::NotRunning { at, reason: last_line(said) }
            }
            // Windows' own shell ends with 1.
            Some(1) if has("is not recognized as") => Self::NoDocker { at },
            Some(_) => Self::Ended { at, reason: last_line(said) },
            // Killed.
            None => Self::Lost { at, reason: last_line(said) },
        }
    }

    /// Whether it is of ssh's own making: any command would have met it.
    pub(super) fn is_of_ssh(&self) -> bool {
        !matches!(self, Self::NoDocker { .. } | Self::NotAllowed { .. } | Self::NotRunning { .. } | Self::Ended { .. })
    }

    /// A word for programs that never changes.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoProgram { .. } => "ssh_missing",
            Self::UnknownHost { .. } => "ssh_host_unknown",
            Self::ChangedHost { .. } => "ssh_host_changed",
            Self::Refused { .. } => "ssh_refused",
            Self::Unreachable { .. } => "ssh_unreachable",
            Self::NoDocker { .. } => "ssh_no_docker",
            Self::NotAllowed { .. } => "engine_not_allowed",
            Self::NotRunning { .. } => "engine_not_running",
            Self::Ended { .. } | Self::Lost { .. } => "engine_broken",
        }
    }

    /// Whether to try again, or to ask a person.
    pub fn next(&self) -> NextStep {
        match self {
            Self::Unreachable { .. } | Self::NotRunning { .. } | Self::Ended { .. } | Self::Lost { .. } => {
                NextStep::TryAgain
            }
            Self::NoProgram { .. }
            | Self::UnknownHost { .. }
            | Self::ChangedHost { .. }
            | Self::Refused { .. }
            | Self::NoDocker { .. }
            | Self::NotAllowed { .. } => NextStep::AskUser,
        }
    }

    /// What to do about it, in one sentence.
    pub fn fix(&self) -> String {
        match self {
            Self::NoProgram { .. } => "Install OpenSSH's client, which has it, then try again.".to_owned(),
            Self::UnknownHost { at } => format!(
                "Run \"{}\" once, compare the fingerprint that it shows with the host's own, and say yes.",
                at.line()
            ),
            Self::ChangedHost { at } => format!(
                "If you know why, run \"ssh-keygen -R '{}'\", then \"{}\" once; if not, somebody may be in between.",
                at.known_as(),
                at.line()
            ),
            Self::Refused { at } => format!(
                "See to it that \"{}\" signs in without asking anything, with a key that is in ssh-agent or has no \
                 passphrase, and that the host accepts.",
                at.line()
            ),
            Self::Unreachable { .. } => "Check the address and the network; it is tried again.".to_owned(),
            Self::NoDocker { at } => {
                format!("Install docker's program there, so that \"{} docker version\" finds it.", at.line())
            }
            Self::NotAllowed { at } => format!(
                "Sign in with \"{}\", and join the group that may use Docker there, most likely with \"sudo usermod -aG \
                 docker $USER\".",
                at.line()
            ),
            Self::NotRunning { .. } => "Start Docker there; delivery follows.".to_owned(),
            Self::Ended { .. } | Self::Lost { .. } => "Nothing yet; it is tried again.".to_owned(),
        }
    }
}

/// The last that was said, as the end of a sentence.
fn last_line(said: &str) -> String {
    let line = said.lines().map(str::trim).rfind(|line| !line.is_empty());
    line.map_or_else(|| "it ended without a word".to_owned(), |line| line.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(code: i32, said: &str) -> &'static str {
        let at = SshAddress::parse("ssh://me@host:2222").unwrap();
        let error = SshError::told(&at, Some(code), said);
        assert!(error.to_string().ends_with('.') && !error.to_string().contains(".."), "{error}");
        assert!(error.fix().ends_with('.'));
        error.code()
    }

    /// As OpenSSH 9.2 and 9.9, docker 20.10 and 28, dash, bash and PowerShell put it.
    #[test]
    fn ssh_and_the_other_machine_are_told_apart() {
        assert_eq!(code(255, "Host key verification failed.\r\n"), "ssh_host_unknown");
        let changed = "@ WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED! @\nHost key verification failed.\n";
        assert_eq!(code(255, changed), "ssh_host_changed");
        assert_eq!(code(255, "me@host: Permission denied (publickey)."), "ssh_refused");
        assert_eq!(code(255, "ssh: connect to host h port 22: Connection refused\n"), "ssh_unreachable");
        assert_eq!(code(255, "ssh: Could not resolve hostname h: Name or service not known"), "ssh_unreachable");
        assert_eq!(code(255, "Connection timed out during banner exchange\n"), "ssh_unreachable");
        assert_eq!(code(255, "Connection closed by 127.0.0.1 port 22\n"), "ssh_unreachable");
        assert_eq!(code(255, "client_loop: send disconnect: Broken pipe"), "engine_broken");
        assert_eq!(code(127, "bash: line 1: docker: command not found"), "ssh_no_docker");
        assert_eq!(code(127, "sh: 1: docker: not found"), "ssh_no_docker");
        assert_eq!(code(1, "docker : The term 'docker' is not recognized as the name of a cmdlet"), "ssh_no_docker");
        let words = "dial unix /var/run/docker.sock: connect: permission denied";
        assert_eq!(code(1, words), "engine_not_allowed");
        let words = "dial unix /var/run/docker.sock: connect: no such file or directory";
        assert_eq!(code(1, words), "engine_not_running");
        assert_eq!(code(1, ""), "engine_broken");
    }

    #[test]
    fn a_person_is_told_the_line_to_run() {
        let at = SshAddress::parse("ssh://me@host:2222").unwrap();
        let fix = |said| SshError::told(&at, Some(255), said).fix();
        assert!(fix("Host key verification failed.").contains("\"ssh -p 2222 me@host\""));
        let changed = fix("REMOTE HOST IDENTIFICATION HAS CHANGED\nHost key verification failed.");
        assert!(changed.contains("ssh-keygen -R '[host]:2222'"), "{changed}");
    }
}
