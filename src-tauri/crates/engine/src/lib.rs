//! All of Tokenferry that has no face: sign in, keep, renew, deliver.
//!
//! The rooms, in the order in which a credential passes through them, stand in `README.md`'s map of the house.

pub mod account;
mod changes;
pub mod clock;
pub mod credentials;
pub mod delivery;
pub mod destinations;
pub mod discovery;
pub mod doctor;
mod engine;
mod error;
pub mod formats;
pub mod given_key;
pub mod grants;
pub mod home;
pub mod journal;
pub mod keeper;
pub mod proof;
pub mod provider;
pub mod renewal;
pub mod secret;
pub mod settings;
mod shell;
pub mod sign_in;
pub mod snippets;
pub mod status;
mod unfinished;
pub mod vault;
mod words;

pub use changes::Changes;
pub use engine::{
    CliUser, Discovered, Earlier, Engine, EngineProblem, Goodbye, KnownEngine, KnownEngines, Looking, Mended, Obtained,
    Proven, Proxy, Surroundings, Synced, TERMS,
};
pub use error::Error;
pub use words::BadWord;
