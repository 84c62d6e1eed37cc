//! The window of a sign-in: the provider's page. Everything else of a sign-in is the page's room.

mod address;
pub(crate) mod window;
