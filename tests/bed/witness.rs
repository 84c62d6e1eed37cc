//! Looks over the engine's shoulder: what every container, image and volume that comes up is made of, short-lived ones
//! too. For those who search labels, commands and environments for secrets.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bollard::{
    Docker,
    models::{EventActor, EventMessageTypeEnum},
    query_parameters::EventsOptions,
};
use futures_util::StreamExt as _;
use tokio::task::JoinHandle;

use crate::TestEngine;

/// How long events may be on their way when the watch ends.
const LAST_EVENTS: Duration = Duration::from_millis(300);

/// A watch over everything that happens in an engine. It ends on drop.
#[derive(Debug)]
pub struct Witness {
    seen: Arc<Mutex<Vec<u8>>>,
    watching: JoinHandle<()>,
}

impl Witness {
    /// Watches from here on. What other tests do in the same engine is seen as well.
    pub async fn start(engine: &TestEngine) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let docker = engine.docker().clone();
        let mut events = docker.events(None::<EventsOptions>).boxed();
        let watching = tokio::spawn({
            let seen = Arc::clone(&seen);
            async move {
                while let Some(Ok(event)) = events.next().await {
                    note(&seen, &event);
                    if let (Some(kind), Some(EventActor { id: Some(id), .. })) = (event.typ, event.actor) {
                        inspect(&docker, &seen, kind, &id).await;
                    }
                }
            }
        });
        let witness = Self { seen, watching };
        witness.until_it_sees(engine).await;
        witness
    }

    /// The engine does not tell when a watch has begun, so something is done until it is seen.
    async fn until_it_sees(&self, engine: &TestEngine) {
        loop {
            let sign = engine.volume().await;
            tokio::time::sleep(LAST_EVENTS).await;
            let seen = self.seen.lock().expect("nobody panicked");
            if String::from_utf8_lossy(&seen).contains(sign.name()) {
                return;
            }
        }
    }

    /// All that was seen, as JSON, one thing after the other.
    pub async fn told(self) -> Vec<u8> {
        tokio::time::sleep(LAST_EVENTS).await;
        self.seen.lock().expect("nobody panicked").clone()
    }
}

impl Drop for Witness {
    fn drop(&mut self) {
        self.watching.abort();
    }
}

/// What is gone by now is told by its events alone.
async fn inspect(docker: &Docker, seen: &Mutex<Vec<u8>>, kind: EventMessageTypeEnum, id: &str) {
    match kind {
        EventMessageTypeEnum::CONTAINER => {
            if let Ok(container) = docker.inspect_container(id, None).await {
                note(seen, &container);
            }
        }
        EventMessageTypeEnum::IMAGE => {
            if let Ok(image) = docker.inspect_image(id).await {
                note(seen, &image);
            }
        }
        EventMessageTypeEnum::VOLUME => {
            if let Ok(volume) = docker.inspect_volume(id).await {
                note(seen, &volume);
            }
        }
        _ => {}
    }
}

fn note(seen: &Mutex<Vec<u8>>, what: &impl serde::Serialize) {
    let mut seen = seen.lock().expect("nobody panicked");
    serde_json::to_writer(&mut *seen, what).expect("a model should be JSON");
    seen.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::Witness;
    use crate::{Run, TestEngine};

    #[tokio::test]
    async fn environment_and_command_are_seen() {
        let engine = TestEngine::get();
        let witness = Witness::start(&engine).await;
        let _container = engine.create(Run::app(["sleep", "--seconds", "11235"]).set("CANARY", "tweet")).await;
        let told = String::from_utf8(witness.told().await).unwrap();
        assert!(told.contains("11235") && told.contains("CANARY=tweet"), "{told}");
    }
}
