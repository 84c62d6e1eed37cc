//! Names a secret without telling it.

use std::fmt;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// The first 12 hexadecimal digits of a secret's SHA-256: enough to tell tokens apart, and no way back.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Fingerprint(String);

impl Fingerprint {
    /// The fingerprint of `secret`, taken as its UTF-8 bytes.
    #[must_use]
    pub fn of(secret: &str) -> Self {
        let digest = Sha256::digest(secret);
        Self(digest.iter().take(6).map(|byte| format!("{byte:02x}")).collect())
    }

    /// The 12 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::Fingerprint;

    #[test]
    fn is_the_start_of_the_sha_256() {
        // FIPS 180-2, appendix B.1.
        assert_eq!(Fingerprint::of("abc").as_str(), "ba7816bf8f01");
    }
}
