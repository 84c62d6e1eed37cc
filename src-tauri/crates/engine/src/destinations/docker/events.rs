//! What happens on an engine, as it happens: its event stream, without what our own couriers cause.

use std::collections::HashMap;

use bollard::models::{EventMessage, EventMessageTypeEnum};
use bollard::query_parameters::EventsOptionsBuilder;
use futures_util::StreamExt;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

use super::survey::ACCOUNT_LABEL;
use super::{COURIER_LABEL, Docker, EngineError};

/// Events that wait to be taken; an engine that is busier than this is slowed down by nobody, as the stream is buffered.
const WAITING: usize = 256;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A volume of this name came to be.
    VolumeCreated(String),
    /// The volume of this name is gone.
    VolumeRemoved(String),
    /// A container was created, and has not run yet.
    ContainerCreated {
        /// Its id.
        id: String,
        /// Whether it asks for an account's token by a label.
        is_labelled: bool,
    },
    /// A container runs.
    ContainerStarted(String),
    /// A container runs no more, or is gone.
    ContainerEnded(String),
}

/// The stream of what happens. Ends when the engine does.
#[derive(Debug)]
pub struct Happenings {
    coming: mpsc::Receiver<Result<Happening, EngineError>>,
    _reading: AbortOnDropHandle<()>,
}

impl Happenings {
    /// The next thing that happens; none, or an error, where the stream is at its end.
    ///
    /// # Errors
    /// By class, see [`EngineError`].
    pub async fn next(&mut self) -> Option<Result<Happening, EngineError>> {
        self.coming.recv().await
    }
}

impl Docker {
    /// Why the stream of what happens is at its end where nothing else is said.
    pub fn is_gone(&self) -> EngineError {
        EngineError::Broken { shown: self.reach.shown.clone(), reason: "it has ended".to_owned() }
    }

    /// Listens. What happened before is not told: list what is there after this.
    ///
    /// # Errors
    /// By class, see [`EngineError`]; an engine that doesn't answer.
    pub async fn happenings(&self) -> Result<Happenings, EngineError> {
        let filters = HashMap::from([
            ("type", vec!["container", "volume"]),
            ("event", vec!["create", "start", "die", "destroy", "died", "remove"]),
        ]);
        let options = EventsOptionsBuilder::new().filters(&filters).build();
        let mut events = Box::pin(self.api.events(Some(options)));
        let (told, coming) = mpsc::channel(WAITING);
        let reach = self.reach.clone();
        let reading = tokio::spawn(async move {
            while let Some(event) = events.next().await {
                let happening = match event {
                    Ok(event) => understood(event).map(Ok),
                    Err(error) => Some(Err(EngineError::from_call(&error, &reach))),
                };
                let Some(happening) = happening else { continue };
                if told.send(happening).await.is_err() {
                    break;
                }
            }
        });
        // Asked for after the stream was: when this is answered, the engine has taken that request as well.
        self.ping().await?;
        self.get_ready().await;
        Ok(Happenings { coming, _reading: AbortOnDropHandle::new(reading) })
    }
}

/// What an event means to us. Podman says `died` and `remove` where Docker says `die` and `destroy`.
fn understood(event: EventMessage) -> Option<Happening> {
    let actor = event.actor?;
    let (id, attributes) = (actor.id?, actor.attributes.unwrap_or_default());
    if attributes.contains_key(COURIER_LABEL) {
        return None;
    }
    match (event.typ?, event.action?.as_str()) {
        (EventMessageTypeEnum::VOLUME, "create") => Some(Happening::VolumeCreated(id)),
        (EventMessageTypeEnum::VOLUME, "destroy" | "remove") => Some(Happening::VolumeRemoved(id)),
        (EventMessageTypeEnum::CONTAINER, "create") => {
            Some(Happening::ContainerCreated { id, is_labelled: attributes.contains_key(ACCOUNT_LABEL) })
        }
        (EventMessageTypeEnum::CONTAINER, "start") => Some(Happening::ContainerStarted(id)),
        (EventMessageTypeEnum::CONTAINER, "die" | "died" | "destroy" | "remove") => Some(Happening::ContainerEnded(id)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bollard::models::EventActor;

    fn event(kind: EventMessageTypeEnum, action: &str, labels: &[&str]) -> EventMessage {
        let attributes = labels.iter().map(|label| ((*label).to_owned(), "1".to_owned())).collect();
        EventMessage {
            typ: Some(kind),
            action: Some(action.to_owned()),
            actor: Some(EventActor { id: Some("it".to_owned()), attributes: Some(attributes) }),
            ..EventMessage::default()
        }
    }

    #[test]
    fn what_couriers_cause_is_nothing_that_happened() {
        let kind = EventMessageTypeEnum::CONTAINER;
        assert_eq!(understood(event(kind, "create", &[COURIER_LABEL])), None);
        assert_eq!(
            understood(event(kind, "create", &[ACCOUNT_LABEL])),
            Some(Happening::ContainerCreated { id: "it".to_owned(), is_labelled: true })
        );
        assert_eq!(understood(event(kind, "exec_die", &[])), None);
        assert_eq!(understood(event(EventMessageTypeEnum::VOLUME, "mount", &[])), None);
    }

    #[test]
    fn both_engines_words_are_understood() {
        for action in ["die", "died", "destroy", "remove"] {
            let ended = Some(Happening::ContainerEnded("it".to_owned()));
            assert_eq!(understood(event(EventMessageTypeEnum::CONTAINER, action, &[])), ended, "{action}");
        }
    }
}
