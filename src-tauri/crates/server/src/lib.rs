//! The engine behind HTTP, for machines without a desktop: the endpoints for programs, the broker of tokens, and the page
//! for persons.
//!
//! What is asked here is the engine's to do. This crate decides who may ask, and puts the answer into words for programs.
//! A request passes through `wire` (connections, bounds, clocks), `gate` (who is meant, who asks), then `api`.

mod api;
mod broker;
mod desk;
mod failed;
mod gate;
mod machines;
mod meters;
mod options;
mod serving;
mod shared;
mod watching;
mod wire;

pub use api::openapi;
pub use failed::Failed;
pub use options::{BasePath, Options, TlsFiles};
pub use serving::{link, serve};
