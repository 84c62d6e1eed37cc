//! Delivery into a PostgreSQL database: the table, its rows, who may come and how, and what stays when something is killed.
//! Each test has a real server of its own.
#![cfg(target_os = "linux")]
#![allow(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "this is test code: a panic with its reason is how a test ends"
)]

mod connecting;
mod kills;
mod python;
mod rows;
mod scene;
mod secrets;
mod table;
mod tls;
