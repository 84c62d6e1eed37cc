//! `tokenferry`, the engine in a terminal.

fn main() {}
