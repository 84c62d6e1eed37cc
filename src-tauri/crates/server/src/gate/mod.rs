//! Who may come in: is this server meant, does the request come from its own page, and who is it that asks.

mod caller;
mod headers;
mod names;

pub(crate) use caller::{Caller, Person, cookie, no_cookie};
pub(crate) use headers::{Kind, dress};
pub(crate) use names::Names;
