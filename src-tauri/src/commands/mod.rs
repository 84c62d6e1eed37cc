//! What the page may ask for: a few lines each, over the engine's journeys. No token ever crosses.

pub(crate) mod accounts;
pub(crate) mod looking;
pub(crate) mod places;
pub(crate) mod settings;

use engine::delivery::Carried;
use serde::Serialize;

use crate::told::Told;

/// What a command gives.
type Answer<T> = Result<T, Told>;

/// What became of a copy, in words.
#[derive(Debug, Serialize)]
pub(crate) struct Gone {
    reached: bool,
    text: String,
}

impl From<&Carried> for Gone {
    fn from(copy: &Carried) -> Self {
        match &copy.result {
            Ok(_) => Self { reached: true, text: format!("No copy is left in {}.", copy.spot) },
            Err(why) => {
                Self { reached: false, text: format!("A copy may be left in {}. {why} {}", copy.spot, why.fix()) }
            }
        }
    }
}
