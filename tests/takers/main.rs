//! Programs of others that take what Tokenferry delivers: LiteLLM, Anthropic's SDKs and the Agent SDK, from their registries
//! and each of one version. They are asked before and after a renewal, without a restart, and the practice provider in
//! place of Claude has nothing to refuse.
//!
//! Where a package can't be had, the tests that need it say so, loudly, and pass. See [`bed::pypi`] and [`bed::npm`].
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod agent_sdk;
mod fork;
mod litellm;
mod packages;
mod proxy;
mod scene;
mod sdks;
