//! Leftovers in an engine: found by their labels, removed where nobody can be using them any more.

use std::collections::HashMap;

use bollard::models::{ContainerSummary, ContainerSummaryStateEnum};
use bollard::query_parameters::ListContainersOptionsBuilder;
use courier::mount_point;
use courier::protocol::{Answer, Operation, Request};
use jiff::Timestamp;

use super::{COURIER_LABEL, Docker, EngineError, INSTALLATION_LABEL, SESSION_LABEL};

/// A courier ends by itself 60 seconds after its start at the latest.
const OUTLIVED_SECONDS: i64 = 120;
/// Nobody's delivery takes this long, whatever the other installation's version does.
const FOREIGN_SECONDS: i64 = 600;

/// What earlier runs left in an engine, in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Leftovers {
    /// Couriers.
    pub couriers: usize,
    /// Volumes that were made by accident.
    pub volumes: usize,
}

impl Docker {
    /// What [`tidy`](Self::tidy) would see to now. While another process has its turn, its courier looks like one.
    ///
    /// # Errors
    /// The engine is away.
    pub async fn leftovers(&self) -> Result<Leftovers, EngineError> {
        let (couriers, volumes) = tokio::try_join!(self.leftover_couriers(), self.accidents())?;
        Ok(Leftovers { couriers: couriers.len(), volumes: volumes.len() })
    }

    /// Removes what earlier runs left in the engine, as they were killed: couriers, images of other versions, volumes
    /// made by accident. What another process may still be using is left alone.
    ///
    /// # Errors
    /// The engine is away. What couldn't be removed is no error: it is found again next time.
    pub async fn tidy(&self) -> Result<(), EngineError> {
        self.remove_leftover_couriers().await?;
        self.remove_images(Some(self.image().await?)).await?;
        for volume in self.accidents().await? {
            if self.is_empty(&volume).await {
                self.undo_accident(&volume).await;
            }
        }
        Ok(())
    }

    /// Removes all that is ours, the image too: for when nothing more will be delivered.
    ///
    /// # Errors
    /// As [`tidy`](Self::tidy).
    pub async fn leave(&self) -> Result<(), EngineError> {
        self.tidy().await?;
        self.remove_images(None).await
    }

    /// What a delivery begins with: the whole of it once, then only couriers, as nothing else can have been left since.
    pub(super) async fn tidy_before(&self) {
        let tidied = if self.tidied.initialized() {
            self.remove_leftover_couriers().await
        } else {
            self.tidied.get_or_try_init(|| self.tidy()).await.map(drop)
        };
        if let Err(error) = tidied {
            tracing::debug!(%error, "leftovers could not be looked for");
        }
    }

    /// Removes what is ours and dead. An engine that was killed while it cleared a container away, and gives up on it when
    /// it is back, leaves it so; nobody uses such a one, so this needs no turn.
    ///
    /// # Errors
    /// The engine is away. What couldn't be removed is no error.
    pub(crate) async fn remove_dead(&self) -> Result<(), EngineError> {
        let ours = format!("{INSTALLATION_LABEL}={}", self.installation);
        let filters = HashMap::from([("label".to_owned(), vec![ours])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = self.call("list containers", self.api.list_containers(Some(options))).await?;
        let dead = found.into_iter().filter(|it| it.state == Some(ContainerSummaryStateEnum::DEAD));
        for id in dead.filter_map(|it| it.id) {
            self.remove(&id).await;
        }
        Ok(())
    }

    async fn remove_leftover_couriers(&self) -> Result<(), EngineError> {
        for id in self.leftover_couriers().await? {
            self.remove(&id).await;
        }
        Ok(())
    }

    async fn leftover_couriers(&self) -> Result<Vec<String>, EngineError> {
        let filters = HashMap::from([("label".to_owned(), vec![COURIER_LABEL.to_owned()])]);
        let options = ListContainersOptionsBuilder::new().all(true).filters(&filters).build();
        let found = self.call("list containers", self.api.list_containers(Some(options))).await?;
        let now = Timestamp::now().as_second();
        let left = found.into_iter().filter(|it| is_leftover(it, &self.installation, &self.session, now));
        Ok(left.filter_map(|courier| courier.id).collect())
    }

    /// Whether nothing is in a volume; not if that can't be told.
    async fn is_empty(&self, volume: &str) -> bool {
        let Ok(mut courier) = self.hire(&[volume]).await else { return false };
        let request = Request { root: mount_point(0), path: String::new(), operation: Operation::Look };
        let (answers, _) = courier.ask(&[request]).await;
        self.dismiss(courier).await;
        matches!(answers.first(), Some(Answer::Seen(sight)) if sight.entries == 0)
    }
}

/// Whether a courier is nobody's any more. One of our installation that doesn't run was left by a process that is gone:
/// processes of one installation take turns.
fn is_leftover(courier: &ContainerSummary, installation: &str, session: &str, now: i64) -> bool {
    let label = |name: &str| courier.labels.as_ref().and_then(|labels| labels.get(name)).map(String::as_str);
    let age = now.saturating_sub(courier.created.unwrap_or(now));
    if label(INSTALLATION_LABEL) != Some(installation) {
        return age > FOREIGN_SECONDS;
    }
    if label(SESSION_LABEL) == Some(session) {
        // An engine that was killed while it cleared one away leaves it dead, and never tries again.
        return courier.state == Some(ContainerSummaryStateEnum::DEAD) || age > OUTLIVED_SECONDS;
    }
    courier.state != Some(ContainerSummaryStateEnum::RUNNING) || age > OUTLIVED_SECONDS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn courier(installation: &str, session: &str, state: ContainerSummaryStateEnum, age: i64) -> ContainerSummary {
        ContainerSummary {
            labels: Some(HashMap::from([
                (INSTALLATION_LABEL.to_owned(), installation.to_owned()),
                (SESSION_LABEL.to_owned(), session.to_owned()),
            ])),
            state: Some(state),
            created: Some(10_000 - age),
            ..Default::default()
        }
    }

    #[test]
    fn only_what_nobody_uses_is_a_leftover() {
        use ContainerSummaryStateEnum::{CREATED, DEAD, RUNNING};
        let leftover = |courier: &ContainerSummary| is_leftover(courier, "we", "now", 10_000);
        assert!(leftover(&courier("we", "before", CREATED, 1)), "killed between create and start");
        assert!(!leftover(&courier("we", "before", RUNNING, 1)), "ends by itself");
        assert!(leftover(&courier("we", "before", RUNNING, 121)));
        assert!(!leftover(&courier("we", "now", CREATED, 1)), "just being made");
        assert!(leftover(&courier("we", "now", DEAD, 1)), "its engine was killed");
        assert!(!leftover(&courier("they", "x", CREATED, 599)));
        assert!(leftover(&courier("they", "x", CREATED, 601)));
    }
}
