//! What all questions of the page share: the engine, opened when it is first needed, and what was told so far.

use std::sync::{Arc, Mutex, PoisonError};

use engine::discovery::Suggestion;
use engine::{Engine, Surroundings};
use tokio::sync::watch;

use crate::answers::Answer;
use crate::host::Host;
use crate::sign_in::SignIns;

/// Answers whatever the page asks.
#[derive(Debug)]
pub struct Desk {
    host: Arc<dyn Host>,
    engine: Mutex<Option<Arc<Engine>>>,
    /// The sign-in that is under way.
    pub(crate) sign_ins: SignIns,
    /// Something changed that no file tells.
    pub(crate) changed: watch::Sender<()>,
    suggestions: Mutex<Vec<Suggestion>>,
}

impl Desk {
    /// Shown by this host. The engine of this process's surroundings is opened when something is asked.
    pub fn new(host: impl Host) -> Self {
        Self::with(host, None)
    }

    /// Shown by this host, over an engine that is open.
    pub fn over(engine: Arc<Engine>, host: impl Host) -> Self {
        Self::with(host, Some(engine))
    }

    fn with(host: impl Host, engine: Option<Arc<Engine>>) -> Self {
        let changed = watch::Sender::new(());
        Self {
            host: Arc::new(host),
            engine: Mutex::new(engine),
            sign_ins: SignIns::new(changed.clone()),
            changed,
            suggestions: Mutex::default(),
        }
    }

    /// The engine. Where it can't be opened that is tried again the next time: somebody may have mended it.
    ///
    /// # Errors
    /// Why it can't be opened.
    pub fn engine(&self) -> Answer<Arc<Engine>> {
        let mut opened = self.engine.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(engine) = opened.as_ref() {
            return Ok(engine.clone());
        }
        // A mistake in the settings is for the page to show, with all that can be told in spite of it.
        let engine = Arc::new(Engine::open_to_examine(Surroundings::of_process())?);
        *opened = Some(engine.clone());
        Ok(engine)
    }

    /// The engine, if it was needed so far.
    pub fn opened(&self) -> Option<Arc<Engine>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn host(&self) -> &Arc<dyn Host> {
        &self.host
    }

    /// Keeps what was last suggested, to be approved of by its name.
    pub(crate) fn suggest(&self, suggestions: Vec<Suggestion>) {
        *self.suggestions.lock().unwrap_or_else(PoisonError::into_inner) = suggestions;
    }

    /// What was suggested by this name on this engine.
    pub(crate) fn suggested(&self, engine: &str, name: &str) -> Option<Suggestion> {
        let suggestions = self.suggestions.lock().unwrap_or_else(PoisonError::into_inner);
        suggestions.iter().find(|it| it.engine == engine && it.name.as_str() == name).cloned()
    }
}
