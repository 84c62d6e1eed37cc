//! The official CLI at work beside this program: what it prints, what is written to it, its end.

use std::io;
use std::process::Stdio;

use engine::sign_in::CliCall;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, Command};
use tokio::sync::mpsc;

/// It prints little; what is not taken from here waits in its pipe.
const PIECES: usize = 64;
const PIECE: usize = 4096;

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

impl Program {
    /// Runs it as a process of this one's.
    ///
    /// # Errors
    /// The system's, where it can't be started.
    pub fn run(call: &CliCall) -> io::Result<Self> {
        let mut command = Command::new(call.program());
        command.args(call.arguments()).envs(call.environment().iter().map(|(name, value)| (name, value)));
        Self::of(command)
    }

    fn of(mut command: Command) -> io::Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let child = command.spawn()?;
        let (heard, printed) = mpsc::channel(PIECES);
        let (lines, read) = mpsc::unbounded_channel();
        tokio::spawn(attend(child, heard, read));
        Ok(Self { printed, lines })
    }

    /// Ends it, if it runs still, and waits until it is gone: it writes nothing any more then.
    pub async fn end(self) {
        let Self { mut printed, lines } = self;
        drop(lines);
        while printed.recv().await.is_some() {}
    }
}

/// Carries to and fro until it ends, or until nobody has the other end any more: then it is killed.
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
    // What has ended can't be killed, and needn't. The channel closes only once it is gone.
    let _ = child.start_kill();
    if let Err(why) = child.wait().await {
        tracing::warn!("the Claude CLI could not be waited for: {why}");
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

#[cfg(test)]
#[cfg(unix)]
mod tests {
    use super::*;

    fn shell(script: &str) -> Program {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", script]).env("HELLO", "good day");
        Program::of(command).unwrap()
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
    async fn it_is_gone_once_it_was_ended() {
        let mut program = shell("echo $$; while :; do echo on and on; done");
        let Some(Printed::Piece(number)) = program.printed.recv().await else { panic!("it prints its number") };
        let number = String::from_utf8(number).unwrap().lines().next().unwrap().to_owned();
        let end = tokio::time::timeout(std::time::Duration::from_secs(20), program.end());
        end.await.expect("it should be waited for no longer than it takes");
        assert!(!std::path::Path::new("/proc").join(number).exists());
    }
}
