//! The lists of users in images, each read once, and through a [stand-in](super::stand_in): no container of somebody's is
//! touched for them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Docker;
use super::users::UserText;
use crate::destinations::Ids;

/// The lists of as many images are kept; with more, it is begun anew.
const MOST: usize = 64;

/// The lists that were read, by their image's id.
#[derive(Debug, Default)]
pub(super) struct KnownLists(Mutex<HashMap<String, Arc<Lists>>>);

/// An image's `/etc/passwd` and `/etc/group`; empty where it has none.
#[derive(Debug, Default)]
struct Lists {
    passwd: String,
    group: String,
}

impl KnownLists {
    fn get(&self, image: &str) -> Option<Arc<Lists>> {
        self.lists().get(image).cloned()
    }

    fn add(&self, image: &str, read: Arc<Lists>) {
        let mut lists = self.lists();
        if lists.len() >= MOST {
            lists.clear();
        }
        lists.insert(image.to_owned(), read);
    }

    fn lists(&self) -> MutexGuard<'_, HashMap<String, Arc<Lists>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Docker {
    /// A user, as it was given, in numbers. None for a name that the image does not know.
    pub(super) async fn user_in_image(&self, image: &str, text: &str) -> Option<Ids> {
        match UserText::parse(text).without_lists() {
            Some(ids) => Some(ids),
            None => self.user_and_home(image, text).await.0,
        }
    }

    /// The same for an image of which there is a stand-in already.
    pub(super) async fn user_in_stand_in(&self, image: &str, stand_in: &str, text: &str) -> Option<Ids> {
        let user = UserText::parse(text);
        if let Some(ids) = user.without_lists() {
            return Some(ids);
        }
        let lists = match self.lists.get(image) {
            Some(lists) => lists,
            None => self.read_lists(image, stand_in).await,
        };
        user.resolve(&lists.passwd, &lists.group)
    }

    /// A user, as it was given, in numbers, and that user's home, by the lists in the image.
    pub(super) async fn user_and_home(&self, image: &str, text: &str) -> (Option<Ids>, Option<String>) {
        let lists = match self.lists.get(image) {
            Some(lists) => lists,
            None => match self.create_stand_in(image, []).await {
                Ok(stand_in) => self.read_lists(image, &stand_in).await,
                Err(error) => {
                    tracing::debug!(image, %error, "its users can't be looked up");
                    return (None, None);
                }
            },
        };
        let user = UserText::parse(text);
        (user.resolve(&lists.passwd, &lists.group), user.home(&lists.passwd))
    }

    async fn read_lists(&self, image: &str, stand_in: &str) -> Arc<Lists> {
        let (passwd, group) = tokio::join!(self.text_in(stand_in, "/etc/passwd"), self.text_in(stand_in, "/etc/group"));
        let (is_read, lists) =
            (passwd.is_some(), Lists { passwd: passwd.unwrap_or_default(), group: group.unwrap_or_default() });
        let lists = Arc::new(lists);
        if is_read {
            self.lists.add(image, lists.clone());
        }
        lists
    }
}
