//! What a question is answered with, and the words that several answers share.

use engine::delivery::Carried;
use serde::Serialize;

use crate::told::Told;

/// What a question gives.
pub type Answer<T> = Result<T, Told>;

/// What became of a copy, in words.
#[derive(Debug, Serialize)]
#[cfg_attr(feature = "typescript", derive(ts_rs::TS))]
pub struct Gone {
    /// Whether its place could be reached.
    pub reached: bool,
    /// In a sentence.
    pub text: String,
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
