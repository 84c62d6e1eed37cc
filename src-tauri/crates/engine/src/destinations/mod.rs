//! The places that credentials are delivered to.
