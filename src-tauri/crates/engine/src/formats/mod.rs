//! Credentials → files, by taker. Pure: what is there comes in, what shall be there goes out.

pub mod claude_code;
