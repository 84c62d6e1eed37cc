//! The practice app.
fn main() {}
