//! Looking at what lies in volumes, in the engine's turn: a look is a courier too, though it changes nothing.

use std::sync::Arc;

use super::Delivery;
use crate::destinations::docker::EngineError;
use crate::destinations::{DeliveryError, Glance, Seen};
use crate::settings::{Destination, Host};

/// What was seen at one destination, by its name.
pub type Looked = (String, Result<Vec<Seen>, DeliveryError>);

/// A look at these files of a destination.
pub fn glance(destination: &Destination, files: &[&str]) -> Glance {
    let place = &destination.place;
    Glance {
        destination: destination.name.to_string(),
        root: place.root(),
        paths: files.iter().map(|file| place.path(file)).collect(),
    }
}

impl Delivery {
    /// Looks at files on one host, on an engine by one courier, and says of each destination, in the same order, what is
    /// there now. A look that was begun is carried to its end, also where the caller has gone away.
    pub async fn look(self: &Arc<Self>, host: &Host, glances: Vec<Glance>) -> Vec<Looked> {
        let names: Vec<String> = glances.iter().map(|glance| glance.destination.clone()).collect();
        let (delivery, host) = (self.clone(), host.clone());
        let shown = host.to_string();
        let looking = self.tasks.spawn(async move {
            match delivery.engines.turn(&host).await {
                Ok(turn) => turn.look(glances).await,
                Err(why) => glances.into_iter().map(|glance| (glance.destination, Err(why.clone()))).collect(),
            }
        });
        looking.await.unwrap_or_else(|_| {
            let why = EngineError::Broken { shown, reason: "the look was given up".to_owned() };
            names.into_iter().map(|name| (name, Err(why.clone().into()))).collect()
        })
    }
}
