//! Formats in places: every pair of them, through the program, from the first delivery to the last trace.

mod consent;
mod database;
mod exports;
mod folders;
mod litellm;
mod pairs;
mod place;
mod readme;
