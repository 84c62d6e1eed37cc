//! A sign-in as the page leads through it: one at a time, in one of four ways, told to the page phase by phase.
//!
//! The journey itself is the engine's: begin, obtain, keep or discard. What is here asks the person, and the host for
//! windows and browsers.

mod asking;
mod by_cli;
mod by_page;
mod by_pasting;
mod program;
mod transcript;
mod words;

use std::fmt::Display;
use std::sync::{Arc, Mutex, PoisonError};

use engine::Engine;
use engine::account::{AccountName, Identity};
use engine::credentials::Kind;
use engine::sign_in::CallbackError;
use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use url::Url;

use crate::answers::Answer;
use crate::desk::Desk;
use crate::host::Host;
use crate::told::Told;

pub use program::{Printed, Program};

/// How a person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Way {
    /// In a window of the host's own.
    Window,
    /// In the system's browser, which comes back by the loopback.
    Browser,
    /// In any browser, whose page shows a code.
    Paste,
    /// By the official CLI, whose sign-in is taken over.
    Cli,
}

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub enum Phase {
    /// For the person, at the provider's page.
    Waiting,
    /// The same, in the browser now, since Google does not let people in inside of apps.
    Google,
    /// The code is traded for tokens.
    Trading,
    /// The person is asked whether what was there is to be replaced.
    Replace,
    /// It did not work, and the message says what to do.
    Failed,
}

/// A sign-in, told to the page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct SigningIn {
    /// Under which name.
    pub account: AccountName,
    /// How.
    pub way: Way,
    /// How far it is.
    pub phase: Phase,
    /// The page to open, where a person may have to do that.
    pub url: Option<String>,
    /// Whether that was opened for them already.
    pub opened: bool,
    /// What the official CLI has said so far, where it is the one that signs in: its last lines, without what is secret.
    pub log: Vec<String>,
    /// Why it has failed; or what is wrong with a code, where another one is awaited.
    #[cfg_attr(feature = "typescript", ts(as = "Option<engine::journal::Trouble>"))]
    pub trouble: Option<Told>,
    /// Who would be replaced by whom, where that is asked.
    pub replaces: Option<Replacing>,
}

/// Who is signed in under a name, and who would be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Replacing {
    /// What is kept so far.
    pub kind: Kind,
    /// Whose it is.
    pub earlier: Identity,
    /// Who signs in now.
    pub new: Identity,
}

/// What the person says meanwhile.
#[derive(Debug)]
enum Word {
    Code(String),
    Replace(bool),
}

/// Why a sign-in came to nothing.
#[derive(Debug)]
enum Stop {
    /// The person gave it up, or said no to replacing.
    GivenUp,
    /// It did not work, and the person is told.
    Failed(Told),
}

impl From<engine::Error> for Stop {
    fn from(error: engine::Error) -> Self {
        Self::Failed(words::failed(&error))
    }
}

impl From<CallbackError> for Stop {
    fn from(error: CallbackError) -> Self {
        engine::Error::from(error).into()
    }
}

impl Stop {
    fn failed(code: &str, what: impl Display, fix: &str) -> Self {
        Self::Failed(Told::new(code, what, fix))
    }
}

/// The sign-in that is under way, if there is one.
#[derive(Debug)]
pub(crate) struct SignIns {
    current: Arc<Mutex<Option<Current>>>,
    changed: watch::Sender<()>,
    /// Those that have not come to their end, given up or not.
    leading: TaskTracker,
}

#[derive(Debug)]
struct Current {
    told: SigningIn,
    stop: CancellationToken,
    words: mpsc::UnboundedSender<Word>,
}

/// A sign-in's own end of it.
#[derive(Debug)]
struct Attempt {
    account: AccountName,
    stop: CancellationToken,
    words: mpsc::UnboundedReceiver<Word>,
    current: Arc<Mutex<Option<Current>>>,
    changed: watch::Sender<()>,
}

impl SignIns {
    pub(crate) fn new(changed: watch::Sender<()>) -> Self {
        Self { current: Arc::default(), changed, leading: TaskTracker::new() }
    }

    /// As the page is told.
    pub(crate) fn now(&self) -> Option<SigningIn> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map(|current| current.told.clone())
    }

    /// Whether something waits for its end.
    pub(crate) fn is_under_way(&self) -> bool {
        self.now().is_some_and(|told| told.phase != Phase::Failed)
    }

    /// Gives up what is under way, and forgets what has failed.
    pub(crate) fn cancel(&self) {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(current) = current {
            current.stop.cancel();
            self.changed.send_replace(());
        }
    }

    fn say(&self, word: Word) -> Result<(), Told> {
        let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        let said = current.as_ref().filter(|it| it.told.phase != Phase::Failed).map(|it| it.words.send(word).is_ok());
        match said {
            Some(true) => Ok(()),
            _ => Err(Told::new("not_pending", "No sign-in waits for that.", "Begin again with Sign in.")),
        }
    }

    fn attempt(&self, account: AccountName, way: Way) -> Result<Attempt, Told> {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(other) = current.as_ref().filter(|it| it.told.phase != Phase::Failed) {
            let what = format!("{} is being signed in already.", other.told.account);
            return Err(Told::new("signing_in", what, "Finish that first, or cancel it."));
        }
        let (sender, words) = mpsc::unbounded_channel();
        let stop = CancellationToken::new();
        let told = SigningIn {
            account: account.clone(),
            way,
            phase: Phase::Waiting,
            url: None,
            opened: false,
            log: Vec::new(),
            trouble: None,
            replaces: None,
        };
        *current = Some(Current { told, stop: stop.clone(), words: sender });
        self.changed.send_replace(());
        Ok(Attempt { account, stop, words, current: self.current.clone(), changed: self.changed.clone() })
    }
}

impl Attempt {
    /// Tells the page how far it is.
    fn tell(&self, phase: Phase) {
        self.change(|told| told.at(phase, None));
    }

    /// Tells the page that this address waits for the person, and whether it was opened for them.
    fn wait(&self, phase: Phase, url: &Url, opened: bool) {
        self.change(|told| {
            told.at(phase, Some(url));
            told.opened = opened;
        });
    }

    /// Tells the page what the official CLI has said so far.
    fn relay(&self, log: Vec<String>) {
        self.change(|told| told.log = log);
    }

    /// Asks whether one is to be replaced by the other.
    fn ask(&self, replaces: Replacing) {
        self.change(|told| {
            told.at(Phase::Replace, None);
            told.replaces = Some(replaces);
        });
    }

    /// Tells the page what is wrong, and stays where it is.
    fn remark(&self, trouble: Told) {
        self.change(|told| told.trouble = Some(trouble));
    }

    fn end(self, done: Result<(), Stop>) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        // Where it was given up, what is there is of another.
        if self.stop.is_cancelled() {
            return;
        }
        match done {
            Ok(()) | Err(Stop::GivenUp) => *current = None,
            Err(Stop::Failed(why)) => {
                if let Some(current) = current.as_mut() {
                    current.told.at(Phase::Failed, None);
                    current.told.trouble = Some(why);
                }
            }
        }
        self.changed.send_replace(());
    }

    /// Changes what is told, unless this sign-in was given up: then what is there is of another.
    fn change(&self, change: impl FnOnce(&mut SigningIn)) {
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = current.as_mut().filter(|_| !self.stop.is_cancelled()) {
            change(&mut current.told);
            self.changed.send_replace(());
        }
    }
}

impl SigningIn {
    /// Goes on to another phase, where nothing is wrong yet.
    fn at(&mut self, phase: Phase, url: Option<&Url>) {
        self.phase = phase;
        self.url = url.map(ToString::to_string);
        self.opened = false;
        (self.trouble, self.replaces) = (None, None);
    }
}

impl Desk {
    /// Begins a sign-in, and returns at once. How it goes on is told in the view. Needs the reactor of tokio that this runs
    /// in.
    ///
    /// # Errors
    /// Where another one is under way, or there is no such way here.
    pub fn sign_in(&self, account: &str, way: Way) -> Answer<()> {
        let account = account.parse()?;
        if !self.host().ways().contains(&way) {
            return Err(Told::not_here("This way to sign in is not to be had here."));
        }
        let engine = self.engine()?;
        let attempt = self.sign_ins.attempt(account, way)?;
        self.sign_ins.leading.spawn(lead(self.host().clone(), engine, attempt, way));
        Ok(())
    }

    /// Whether a sign-in waits for its end.
    pub fn is_signing_in(&self) -> bool {
        self.sign_ins.is_under_way()
    }

    /// Hands over the code that a page has shown.
    ///
    /// # Errors
    /// Where no sign-in is under way, here and below.
    pub fn sign_in_paste(&self, code: String) -> Answer<()> {
        self.sign_ins.say(Word::Code(code))
    }

    /// Says whether what was there is to be replaced.
    pub fn sign_in_replace(&self, yes: bool) -> Answer<()> {
        self.sign_ins.say(Word::Replace(yes))
    }

    /// Gives a sign-in up, or forgets that one has failed.
    pub fn sign_in_cancel(&self) {
        self.sign_ins.cancel();
    }

    /// Gives up what is under way, and waits until nothing of it is left: no program, no folder.
    pub async fn end(&self) {
        self.sign_ins.cancel();
        self.sign_ins.leading.close();
        self.sign_ins.leading.wait().await;
        // A window may open again.
        self.sign_ins.leading.reopen();
    }
}

async fn lead(host: Arc<dyn Host>, engine: Arc<Engine>, mut attempt: Attempt, way: Way) {
    let done = match way {
        Way::Window | Way::Browser => by_page::sign_in(host.as_ref(), &engine, &mut attempt, way).await,
        Way::Paste => by_pasting::sign_in(&engine, &mut attempt).await,
        Way::Cli => by_cli::sign_in(host.as_ref(), &engine, &mut attempt).await,
    };
    let is_over_by_itself = !attempt.stop.is_cancelled();
    attempt.end(done);
    if is_over_by_itself {
        host.sign_in_is_over();
    }
}

#[cfg(test)]
mod tests;
