//! Clearing away what earlier runs left on an engine, in the engine's turn.

use std::sync::Arc;

use super::Delivery;
use crate::destinations::DeliveryError;
use crate::destinations::docker::EngineError;
use crate::settings::Host;

impl Delivery {
    /// Clears away what earlier runs left on this engine; what is in use stays. What was begun is carried to its end.
    ///
    /// # Errors
    /// The engine is away, or another process keeps it to itself.
    pub async fn tidy(self: &Arc<Self>, engine: &str) -> Result<(), DeliveryError> {
        let (delivery, engine) = (self.clone(), engine.to_owned());
        let shown = engine.clone();
        let tidying =
            self.tasks.spawn(async move { Ok(delivery.engines.turn(&Host::Engine(engine)).await?.tidy().await?) });
        let broken = |_| EngineError::Broken { shown, reason: "clearing up was given up".to_owned() };
        tidying.await.map_err(broken)?
    }
}
