//! All of Tokenferry that has no face: sign in, keep, renew, deliver.
//!
//! The rooms, in the order in which a credential passes through them, stand in `README.md`'s map of the house.

pub mod account;
pub mod clock;
pub mod credentials;
pub mod destinations;
pub mod provider;
pub mod secret;
pub mod sign_in;
pub mod vault;
