//! As whom a container will run, while the engine doesn't tell: as the last one of the same image with the same volume, else
//! as the image says, or whoever owns the folder there where the volume will be.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::super::Docker;
use super::super::stand_in::Archive;
use super::super::users::is_root;
use super::copy_up;
use super::guest::Guest;

/// As many are remembered; with more, it is begun anew.
const MOST: usize = 256;
/// A folder of an image that holds more than this, in bytes, takes too long to be asked for its owner.
const LARGEST_FOLDER: usize = 1 << 20;

/// The users of containers that were looked at, as they were given.
#[derive(Debug, Clone, Default)]
pub(in super::super) struct Habits(Arc<Mutex<HashMap<Habit, String>>>);

/// An image's id, and a volume.
type Habit = (String, String);

impl Habits {
    /// Keeps in mind as whom a container runs.
    pub(super) fn remember(&self, guest: &Guest) {
        let mut habits = self.habits();
        if habits.len() >= MOST {
            habits.clear();
        }
        for mount in &guest.mounts {
            habits.insert((guest.image.clone(), mount.volume.clone()), guest.user.clone());
        }
    }

    fn recall(&self, guest: &Guest) -> Option<String> {
        let habits = self.habits();
        guest.mounts.iter().find_map(|mount| habits.get(&(guest.image.clone(), mount.volume.clone())).cloned())
    }

    fn habits(&self) -> MutexGuard<'_, HashMap<Habit, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Docker {
    /// Most likely a container's user, as it was given.
    pub(super) async fn likely_user(&self, guest: &Guest, stand_in: &str) -> String {
        if let Some(user) = self.habits.recall(guest) {
            return user;
        }
        let image = self.api.inspect_image(&guest.image).await;
        let user = image.ok().and_then(|image| image.config?.user).unwrap_or_default();
        if !is_root(&user) {
            return user;
        }
        for mount in &guest.mounts {
            if let Ok(Archive::Whole(folder)) = self.archive(stand_in, &mount.destination, LARGEST_FOLDER).await
                && let Some((root, _)) = copy_up::open(&folder)
                && root.owner().uid != 0
            {
                return format!("{}:{}", root.owner().uid, root.owner().gid);
            }
        }
        user
    }
}

#[cfg(test)]
mod tests {
    use super::super::guest::GuestMount;
    use super::*;

    fn guest(volume: &str, user: &str) -> Guest {
        let mount = GuestMount { volume: volume.to_owned(), destination: "/a".to_owned(), is_filled: true };
        Guest { id: "id".to_owned(), image: "sha256:1".to_owned(), user: user.to_owned(), mounts: vec![mount] }
    }

    #[test]
    fn the_last_one_counts_and_each_volume_for_itself() {
        let habits = Habits::default();
        assert_eq!(habits.recall(&guest("auth", "")), None);
        habits.remember(&guest("auth", "node"));
        habits.remember(&guest("auth", "1000"));
        assert_eq!(habits.recall(&guest("auth", "")).as_deref(), Some("1000"));
        assert_eq!(habits.recall(&guest("another", "")), None);
    }

    #[test]
    fn it_does_not_grow_for_ever() {
        let habits = Habits::default();
        for number in 0..3 * MOST {
            habits.remember(&guest(&number.to_string(), "node"));
        }
        assert!(habits.habits().len() <= MOST);
    }
}
