//! Which containers use a destination, and where it is in them.

use crate::destinations::docker::survey::{Container, Survey};
use crate::discovery;
use crate::settings::Destination;

/// A container that mounts a destination's folder.
#[derive(Debug)]
pub struct Use<'a> {
    /// The destination.
    pub destination: &'a Destination,
    /// The container.
    pub container: &'a Container,
    /// Where in the container the destination's folder is.
    pub folder: String,
}

impl Use<'_> {
    /// Whether it is the official CLI that reads what is delivered there.
    pub fn is_the_clis(&self) -> bool {
        self.destination.format.is_the_clis()
    }
}

/// All uses of these destinations.
pub fn uses<'a>(destinations: &'a [Destination], survey: &'a Survey) -> Vec<Use<'a>> {
    let of_one = |destination: &'a Destination| {
        destination.in_volume().into_iter().flat_map(move |place| {
            survey.users_of(place.volume.as_str()).filter_map(move |(container, mount)| {
                Some(Use { destination, container, folder: discovery::folder_at(mount, place.folder())? })
            })
        })
    };
    destinations.iter().flat_map(of_one).collect()
}
