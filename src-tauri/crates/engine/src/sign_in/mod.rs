//! Signing in: the address to open, the code that comes back, and sign-ins taken over from the official CLI.
//!
//! What comes out are tokens for the keeper; nothing here stores a sign-in.

mod callback;
mod cli_call;
mod import;
mod landing;
mod listener;
mod pending;

pub use callback::{Callback, CallbackError};
pub use cli_call::{CliCall, CliFolder};
pub use import::{ImportError, Imported, OfficialCli, TakenOver};
pub use landing::Landing;
pub use listener::{Arrival, Loopback, Waiting};
pub use pending::{PENDING_LIVES, PendingId, PendingSignIn, UnreadablePending};
