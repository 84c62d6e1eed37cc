//! Which containers use a destination.

use super::Engine;
use crate::discovery::{UsedBy, folder_at};
use crate::error::Error;

impl Engine {
    /// The containers that have this destination's folder mounted. None where it is not in a volume.
    ///
    /// # Errors
    /// A name that is no destination's; the engine's.
    pub async fn used_by(&self, name: &str) -> Result<Vec<UsedBy>, Error> {
        let settings = self.settings()?;
        let Some(place) = settings.destination(name)?.in_volume() else { return Ok(Vec::new()) };
        let survey = self.delivery.docker(&place.engine).await?.survey().await?;
        let users = survey.users_of(place.volume.as_str());
        let users = users.filter_map(|(container, mount)| {
            Some(UsedBy {
                container: container.name.clone(),
                running: container.running,
                at: folder_at(mount, place.folder())?,
                read_only: mount.read_only,
            })
        });
        Ok(users.collect())
    }
}
