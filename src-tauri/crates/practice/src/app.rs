//! The practice app.
