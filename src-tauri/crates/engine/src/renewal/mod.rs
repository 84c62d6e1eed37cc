//! When tokens are renewed, and when the end of what is not renewed is told of: pure policies. Whoever has the keeper's
//! lock waits for them (`engine::standing`).

mod notices;
mod policy;

pub use notices::{SOON_DAYS, next_notice, notice};
pub(crate) use policy::later;
pub use policy::{Jitter, Policy, is_put_off, try_again, wait};
