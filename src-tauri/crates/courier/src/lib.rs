//! The tiny program that puts files into a volume, the image that carries it, and the words in which it is spoken to.
//!
//! The program itself is in `program/`: Rust without a standard library, one source for x86_64 and aarch64, built by
//! `build.sh` into `bin/`. It runs in a container of its own with the volumes mounted, where it looks, writes, renames
//! and removes as its standard input asks, and answers on its standard output. It has no other input: no arguments, no
//! environment, no network. This crate doesn't talk to an engine, and depends on nothing of ours.

mod image;
pub mod protocol;

pub use image::{Architecture, Image, PROGRAM, UnknownArchitecture, image, mount_point};
