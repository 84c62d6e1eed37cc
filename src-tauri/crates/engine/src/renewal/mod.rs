//! When tokens are renewed: a pure policy. Whoever has the keeper's lock waits for it (`engine::keeping`).

mod policy;

pub(crate) use policy::later;
pub use policy::{Jitter, Policy, is_put_off, try_again, wait};
