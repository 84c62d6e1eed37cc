//! A stand-in for Claude's sign-in server and API.
