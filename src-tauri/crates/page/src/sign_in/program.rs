//! The official CLI at work beside this program: what it is called with, what it prints, what is written to it.

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use engine::formats::claude_code::FOLDER_VARIABLE;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

const PROGRAM: &str = "claude";
const ARGUMENTS: [&str; 2] = ["auth", "login"];

/// Where its own installer puts it: what starts by the desktop often has a shorter PATH than a terminal.
const BELOW_HOME: [&str; 2] = [".local/bin/claude", ".claude/local/claude"];

/// What it is not to see: each would have it use something else than the sign-in that it is to make.
const NOT_FOR_IT: [&str; 4] =
    ["CLAUDE_SECURESTORAGE_CONFIG_DIR", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"];

/// It prints little; what is not taken from here waits in its pipe.
const PIECES: usize = 64;
const PIECE: usize = 4096;

/// How it is called. That program with those arguments is all that is ever run, so nobody but this module makes one.
#[derive(Debug)]
pub struct Call {
    program: PathBuf,
    arguments: Vec<&'static str>,
    environment: Vec<(&'static str, OsString)>,
}

/// It at work. It is ended when this is dropped.
#[derive(Debug)]
pub struct Program {
    /// What it prints, and its end, which comes last.
    pub printed: mpsc::Receiver<Printed>,
    /// Lines for it, each without its end.
    pub lines: mpsc::UnboundedSender<String>,
}

/// What is heard of it.
#[derive(Debug, PartialEq, Eq)]
pub enum Printed {
    /// A piece of what it prints, to whichever output.
    Piece(Vec<u8>),
    /// It takes no lines any more.
    Deaf,
    /// It has ended, and says whether it is content.
    Ended(bool),
}

impl Call {
    /// To sign in, in this folder.
    pub(super) fn to_sign_in(folder: OsString) -> Self {
        let mut environment = vec![
            (FOLDER_VARIABLE, folder),
            // Its address is opened by us, once. A program that does nothing keeps it from opening one itself.
            ("BROWSER", "true".into()),
        ];
        environment.extend(NOT_FOR_IT.map(|name| (name, OsString::new())));
        Self { program: program(), arguments: ARGUMENTS.to_vec(), environment }
    }

    /// The program.
    pub fn program(&self) -> &std::path::Path {
        &self.program
    }

    /// Its arguments.
    pub fn arguments(&self) -> &[&'static str] {
        &self.arguments
    }

    /// What it sees besides this process's own environment.
    pub fn environment(&self) -> &[(&'static str, OsString)] {
        &self.environment
    }

    /// Runs it as a process of this one's.
    ///
    /// # Errors
    /// The system's, where it can't be started.
    pub fn run(&self) -> io::Result<Program> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).envs(self.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn()?;
        let (heard, printed) = mpsc::channel(PIECES);
        let (lines, read) = mpsc::unbounded_channel();
        tokio::spawn(attend(child, heard, read));
        Ok(Program { printed, lines })
    }
}

/// Carries to and fro until it ends, or until nobody has the other end any more: then it is killed with the child's drop.
async fn attend(mut child: Child, heard: mpsc::Sender<Printed>, mut lines: mpsc::UnboundedReceiver<String>) {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let ended = async {
        tokio::join!(hear(output, &heard), hear(errors, &heard));
        child.wait().await.is_ok_and(|status| status.success())
    };
    tokio::select! {
        content = ended => {
            // Nobody may want to know any more.
            let _ = heard.send(Printed::Ended(content)).await;
        }
        () = write(input, &mut lines, &heard) => {}
    }
}

async fn hear(output: Option<impl AsyncRead + Unpin>, heard: &mpsc::Sender<Printed>) {
    let Some(mut output) = output else { return };
    let mut piece = Vec::with_capacity(PIECE);
    while output.read_buf(&mut piece).await.is_ok_and(|read| read > 0) {
        if heard.send(Printed::Piece(std::mem::take(&mut piece))).await.is_err() {
            return;
        }
        piece.reserve(PIECE);
    }
}

/// Ends when no more lines can come.
async fn write(
    mut input: Option<ChildStdin>,
    lines: &mut mpsc::UnboundedReceiver<String>,
    heard: &mpsc::Sender<Printed>,
) {
    while let Some(line) = lines.recv().await {
        let written = match input.as_mut() {
            Some(input) => input.write_all(format!("{line}\n").as_bytes()).await.is_ok() && input.flush().await.is_ok(),
            None => false,
        };
        if !written {
            input = None;
            let _ = heard.send(Printed::Deaf).await;
        }
    }
}

fn program() -> PathBuf {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE")).map(PathBuf::from);
    let is_on_the_path = std::env::var_os("PATH")
        .is_some_and(|path| std::env::split_paths(&path).any(|folder| folder.join(PROGRAM).is_file()));
    let below_home = || home.and_then(|home| BELOW_HOME.iter().map(|it| home.join(it)).find(|it| it.is_file()));
    let found = if is_on_the_path { None } else { below_home() };
    found.unwrap_or_else(|| PROGRAM.into())
}

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &'static str) -> Program {
        let call = Call {
            program: "/bin/sh".into(),
            arguments: vec!["-c", script],
            environment: vec![("HELLO", "good day".into())],
        };
        call.run().unwrap()
    }

    /// All that it prints, and how it ends.
    async fn all(program: &mut Program) -> (String, Option<Printed>) {
        let mut text = Vec::new();
        loop {
            match program.printed.recv().await {
                Some(Printed::Piece(piece)) => text.extend(piece),
                other => return (String::from_utf8(text).unwrap(), other),
            }
        }
    }

    #[tokio::test]
    async fn it_is_heard_and_spoken_to() {
        let mut program = shell("echo $HELLO; read line; echo \"got $line\" >&2");
        program.lines.send("code#state".to_owned()).unwrap();
        assert_eq!(all(&mut program).await, ("good day\ngot code#state\n".to_owned(), Some(Printed::Ended(true))));
        assert_eq!(program.printed.recv().await, None);
    }

    #[tokio::test]
    async fn one_that_is_not_content_says_so() {
        assert_eq!(all(&mut shell("exit 3")).await, (String::new(), Some(Printed::Ended(false))));
    }

    #[tokio::test]
    async fn one_that_takes_no_lines_is_known_to() {
        let mut program = shell("exec <&-; echo closed; exec sleep 100");
        assert_eq!(program.printed.recv().await, Some(Printed::Piece(b"closed\n".to_vec())));
        program.lines.send("code".to_owned()).unwrap();
        assert_eq!(program.printed.recv().await, Some(Printed::Deaf));
    }

    #[tokio::test]
    async fn it_ends_with_whoever_had_it_run() {
        let mut program = shell("echo $$; exec sleep 100");
        let Some(Printed::Piece(number)) = program.printed.recv().await else { panic!("it prints its number") };
        drop(program.lines);
        // The channel closes once nobody attends to it any more.
        assert_eq!(program.printed.recv().await, None);
        let number = String::from_utf8(number).unwrap();
        let state = format!("/proc/{}/stat", number.trim());
        let ended = async {
            // Reaped by tokio in its own time; dead at once.
            while std::fs::read_to_string(&state).is_ok_and(|stat| !stat.contains(" Z ")) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(20), ended).await.unwrap();
    }
}
