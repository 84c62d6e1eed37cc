//! All of Tokenferry that has no face: sign in, keep, renew, deliver.
