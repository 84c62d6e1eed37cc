//! What all parts of the app share: the engine, opened when it is first needed, and what the window is to show.

use std::sync::{Arc, Mutex, PoisonError};

use engine::discovery::Suggestion;
use engine::{Engine, Surroundings};
use tokio::sync::Notify;

use crate::arguments::Page;
use crate::sign_in::SignIns;
use crate::told::Told;

/// Shared by the commands, the window and what watches.
#[derive(Debug)]
pub(crate) struct Desk {
    engine: Mutex<Option<Arc<Engine>>>,
    /// The sign-in that is under way.
    pub(crate) sign_ins: SignIns,
    /// Something of the app's own changed.
    pub(crate) changed: Arc<Notify>,
    suggestions: Mutex<Vec<Suggestion>>,
    page: Mutex<Option<Page>>,
}

impl Desk {
    /// `page` is what the window shows at first.
    pub(crate) fn new(page: Option<Page>) -> Self {
        let changed = Arc::new(Notify::new());
        Self {
            engine: Mutex::new(None),
            sign_ins: SignIns::new(changed.clone()),
            changed,
            suggestions: Mutex::default(),
            page: Mutex::new(page),
        }
    }

    /// The engine. Where it can't be opened that is tried again the next time: somebody may have mended it.
    pub(crate) fn engine(&self) -> Result<Arc<Engine>, Told> {
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
    pub(crate) fn opened(&self) -> Option<Arc<Engine>> {
        self.engine.lock().unwrap_or_else(PoisonError::into_inner).clone()
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

    /// The page to show at first, once.
    pub(crate) fn take_page(&self) -> Option<Page> {
        self.page.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}
