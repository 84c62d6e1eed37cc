//! All that the page is told and may ask, whoever shows it: the desktop app in a window, or `tokenferry serve` over HTTP.
//!
//! A [`Desk`] answers each question, over the engine's journeys. What only its surroundings can do, such as opening a
//! window, it asks of its [`Host`]. No token ever crosses.

mod accounts;
mod address;
mod answers;
mod ask;
mod desk;
mod host;
mod looking;
mod pages;
mod places;
mod settings;
mod sign_in;
mod told;
mod view;
mod watching;

pub use accounts::SignedOut;
pub use address::{is_for_the_browser, is_on_this_machine};
pub use answers::{Answer, Gone};
pub use ask::Ask;
pub use desk::Desk;
pub use host::{Glimpse, Host, Window};
pub use looking::{Mended, Problem};
pub use pages::Page;
pub use places::{Delivered, Found, Trouble};
pub use sign_in::{Phase, Printed, Program, Replacing, SigningIn, Way};
pub use told::Told;
pub use view::View;
pub use watching::Watching;
