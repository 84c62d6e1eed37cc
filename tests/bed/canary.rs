//! Looks for secrets where none may be: in outputs, logs, files, labels, arguments. A sighting names the place and a
//! fingerprint, never the secret, so that a failing test doesn't become the leak that it found.

use std::{fs, path::Path};

use aho_corasick::AhoCorasick;
use sha2::{Digest, Sha256};

/// A secret in a place where it must not be.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sighting {
    /// Where it was: the name that was given to [`Canary::look`], or a path.
    pub place: String,
    /// The first 8 hex digits of the secret's SHA-256.
    pub fingerprint: String,
    /// In which byte of the place it begins.
    pub at: usize,
    /// How it was written: plain, in hex digits, …
    pub written: &'static str,
}

/// A set of secrets to look for, and what was seen of them.
#[derive(Debug)]
pub struct Canary {
    searcher: AhoCorasick,
    /// For each pattern of the searcher, whose it is and how it is written.
    patterns: Vec<(String, &'static str)>,
    sightings: Vec<Sighting>,
    bytes: usize,
}

impl Canary {
    /// Looks for these secrets: plain, in hex digits, in base64, percent-encoded, escaped as in JSON. Each has to be 12 bytes at least; what
    /// is shorter would be found everywhere.
    ///
    /// # Panics
    /// Where there is no secret to look for, or too short a one: such a search would prove nothing.
    #[must_use]
    pub fn new(secrets: impl IntoIterator<Item = String>) -> Self {
        let (mut needles, mut patterns) = (Vec::new(), Vec::new());
        for secret in secrets {
            assert!(secret.len() >= 12, "a secret of {} bytes would be found everywhere", secret.len());
            let fingerprint = fingerprint(&secret);
            for (needle, written) in writings(&secret) {
                needles.push(needle);
                patterns.push((fingerprint.clone(), written));
            }
        }
        assert!(!needles.is_empty(), "there is no secret to look for, so finding none would prove nothing");
        let searcher = AhoCorasick::new(needles).expect("the patterns should be searchable");
        Self { searcher, patterns, sightings: Vec::new(), bytes: 0 }
    }

    /// Looks through some bytes, such as a program's output.
    pub fn look(&mut self, place: &str, bytes: &[u8]) -> &mut Self {
        self.bytes += bytes.len();
        for found in self.searcher.find_overlapping_iter(bytes) {
            let (fingerprint, written) = &self.patterns[found.pattern().as_usize()];
            self.sightings.push(Sighting {
                place: place.to_owned(),
                fingerprint: fingerprint.clone(),
                at: found.start(),
                written,
            });
        }
        self
    }

    /// Looks through every file below a folder, and through the files' names. Links are not followed.
    pub fn look_below(&mut self, folder: &Path) -> &mut Self {
        let Ok(entries) = fs::read_dir(folder) else { return self };
        for entry in entries.flatten() {
            let path = entry.path();
            let place = path.display().to_string();
            self.look(&format!("name of {place}"), entry.file_name().as_encoded_bytes());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => self.look_below(&path),
                // Sockets and pipes would block.
                Ok(kind) if kind.is_file() => self.look(&place, &fs::read(&path).unwrap_or_default()),
                _ => self,
            };
        }
        self
    }

    /// What was seen so far.
    #[must_use]
    pub fn sightings(&self) -> &[Sighting] {
        &self.sightings
    }

    /// How many bytes were looked through: a search through nothing proves nothing.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Ends the search.
    ///
    /// # Panics
    /// Where a secret was seen; names each place.
    pub fn assert_unseen(&self) {
        let places: Vec<String> = self
            .sightings
            .iter()
            .map(|seen| format!("  {} at byte {}: secret {}, {}", seen.place, seen.at, seen.fingerprint, seen.written))
            .collect();
        assert!(places.is_empty(), "secrets are where none may be:\n{}", places.join("\n"));
    }
}

/// The first 8 hex digits of a secret's SHA-256.
fn fingerprint(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes())[..4])
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The ways in which a careless program might write a secret down.
fn writings(secret: &str) -> Vec<(Vec<u8>, &'static str)> {
    let mut writings = vec![
        (secret.as_bytes().to_vec(), "plain"),
        (hex(secret.as_bytes()).into_bytes(), "in hex digits"),
        (byte_list(secret).into_bytes(), "as a list of bytes"),
    ];
    writings.push((hex(secret.as_bytes()).to_uppercase().into_bytes(), "in hex digits"));
    for text in in_base64(secret.as_bytes()) {
        let for_addresses = text.replace('+', "-").replace('/', "_");
        if for_addresses != text {
            writings.push((for_addresses.into_bytes(), "in base64"));
        }
        writings.push((text.into_bytes(), "in base64"));
    }
    let percent: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let escaped = serde_json::Value::from(secret).to_string();
    for (text, written) in [(percent.as_str(), "percent-encoded"), (escaped.trim_matches('"'), "escaped as in JSON")] {
        if text != secret {
            writings.push((text.into(), written));
        }
    }
    writings
}

/// As `{:?}` prints bytes, without the brackets: how a derived `Debug` leaks.
fn byte_list(secret: &str) -> String {
    secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", ")
}

/// The three forms in which base64 can hold a text, depending on how many bytes stand before it; only the digits that
/// its neighbours don't touch.
fn in_base64(bytes: &[u8]) -> Vec<String> {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    (0..3)
        .map(|before| {
            let skip = (3 - before) % 3;
            bytes[skip..]
                .chunks_exact(3)
                .flat_map(|three| {
                    let bits = u32::from(three[0]) << 16 | u32::from(three[1]) << 8 | u32::from(three[2]);
                    [18, 12, 6, 0].map(|shift| char::from(DIGITS[(bits >> shift) as usize & 63]))
                })
                .collect()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::Canary;

    const SECRET: &str = "sk-ant-oat01-practice+/=0123456789";

    fn seen(text: &str) -> Vec<&'static str> {
        let mut canary = Canary::new([SECRET.to_owned()]);
        canary.look("text", text.as_bytes()).sightings().iter().map(|sighting| sighting.written).collect()
    }

    #[test]
    fn a_secret_is_seen_however_it_is_written() {
        assert_eq!(seen(&format!("token={SECRET}!")), ["plain"]);
        assert_eq!(seen(&format!("{:?}", SECRET.as_bytes())), ["as a list of bytes"]);
        assert_eq!(seen("code=sk-ant-oat01-practice%2B%2F%3D0123456789"), ["percent-encoded"]);
        // printf 'Bearer %s' … | base64, with 0, 1 and 2 more bytes before it
        for encoded in [
            "QmVhcmVyIHNrLWFudC1vYXQwMS1wcmFjdGljZSsvPTAxMjM0NTY3ODk=",
            "eEJlYXJlciBzay1hbnQtb2F0MDEtcHJhY3RpY2UrLz0wMTIzNDU2Nzg5",
            "eHhCZWFyZXIgc2stYW50LW9hdDAxLXByYWN0aWNlKy89MDEyMzQ1Njc4OQ==",
        ] {
            assert_eq!(seen(encoded), ["in base64"], "{encoded}");
        }
    }

    #[test]
    fn other_text_is_left_alone() {
        assert!(seen("sk-ant-oat01-practice, but another one").is_empty());
    }

    #[test]
    fn files_and_their_names_are_looked_through() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        fs::write(folder.path().join("deep/log"), format!("x{SECRET}")).unwrap();
        fs::write(folder.path().join("deep/0123456789abcdef"), "").unwrap();
        let mut canary = Canary::new([SECRET.to_owned(), "0123456789abcdef".to_owned()]);
        assert_eq!(canary.look_below(folder.path()).sightings().len(), 2);
    }

    #[test]
    #[should_panic(expected = "secrets are where none may be")]
    fn a_sighting_ends_the_test() {
        Canary::new([SECRET.to_owned()]).look("log", SECRET.as_bytes()).assert_unseen();
    }

    #[test]
    #[should_panic(expected = "no secret to look for")]
    fn a_search_for_nothing_is_refused() {
        let _ = Canary::new([]);
    }
}
