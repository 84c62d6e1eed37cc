//! What an examination asks an engine beyond its survey: its clock, versions of the official CLI, temporary files of ours
//! that stayed in a volume. Nothing is run in anybody's container, and nothing is changed.

use bollard::query_parameters::DownloadFromContainerOptionsBuilder;
use courier::protocol::TEMPORARY_PREFIX;
use futures_util::StreamExt;
use jiff::{SignedDuration, Timestamp};
use tar::{EntryType, Header};

use super::Docker;
use super::survey::Container;
use crate::clock::Clock;

/// In an archive everything begins at such steps.
const BLOCK: usize = 512;
/// A folder's beginning, up to our files by the alphabet, is no longer than this, in bytes; what is longer is left alone.
const LONGEST_BEGINNING: usize = 8 << 20;

/// Where the CLI's own installer puts versions, below a home.
const VERSIONS: &str = "/claude/versions/";
/// Where npm puts the CLI, below a folder of packages.
const PACKAGE: &str = "/node_modules/@anthropic-ai/claude-code/";
/// Where npm puts it in images, for what is started by no link.
const GLOBAL: [&str; 2] = ["/usr/local/lib", "/usr/lib"];

impl Docker {
    /// How far the engine's clock is ahead of ours; none where it does not tell.
    pub async fn clock_ahead(&self, clock: &Clock) -> Option<SignedDuration> {
        let asked = clock.now();
        let told: Timestamp = self.api.info().await.ok()?.system_time?.parse().ok()?;
        // It told the time somewhere between the question and the answer.
        Some(told.duration_since(asked) - clock.now().duration_since(asked) / 2)
    }

    /// The version of the official CLI that a container has, as far as it can be told from where it lies.
    pub async fn cli_version(&self, container: &Container) -> Option<String> {
        if let Some(path) = self.find_cli(container).await {
            let look = self.look_from(&container.id, &path).await.ok()??;
            let target = if look.link.is_empty() { path } else { look.link };
            if let Some(version) = version_in(&target) {
                return Some(version);
            }
            if let Some(package) = package_of(&target) {
                return self.version_of_package(container, &package).await;
            }
        }
        for folder in GLOBAL {
            let found = self.version_of_package(container, &format!("{folder}{PACKAGE}package.json")).await;
            if found.is_some() {
                return found;
            }
        }
        None
    }

    async fn version_of_package(&self, container: &Container, file: &str) -> Option<String> {
        let package: serde_json::Value = serde_json::from_str(&self.text_in(&container.id, file).await?).ok()?;
        fit(package.get("version")?.as_str()?)
    }

    /// Temporary files of this installation at the top of a folder in a container, each with when it was written.
    pub async fn temporaries_in(&self, container: &str, folder: &str) -> Vec<(String, Timestamp)> {
        let Ok(names) = self.temporary_names() else { return Vec::new() };
        let options = DownloadFromContainerOptionsBuilder::new().path(folder).build();
        let mut listing = Listing::default();
        let mut stream = std::pin::pin!(self.api.download_from_container(container, Some(options)));
        while let Some(Ok(chunk)) = stream.next().await {
            listing.take(&chunk);
            if listing.is_through() {
                break;
            }
        }
        listing.found.into_iter().filter(|(name, _)| name.starts_with(&names.stale)).collect()
    }
}

/// `…/claude/versions/2.1.329`
fn version_in(target: &str) -> Option<String> {
    let (_, rest) = target.split_once(VERSIONS)?;
    fit(rest.split('/').next()?)
}

/// The `package.json` of the package that a program is in.
fn package_of(target: &str) -> Option<String> {
    let (before, _) = target.split_once(PACKAGE)?;
    Some(format!("{before}{PACKAGE}package.json"))
}

/// A container can hold anything; a version is short and plain.
fn fit(version: &str) -> Option<String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || ".-+".contains(c);
    let fits = version.len() <= 32 && version.starts_with(|c: char| c.is_ascii_digit()) && version.chars().all(plain);
    fits.then(|| version.to_owned())
}

/// The names at the top of a folder, read from its archive as it comes, without keeping what the files hold. An archive
/// goes by the alphabet, so that it need not be read beyond where our files would be.
#[derive(Default)]
struct Listing {
    /// The beginning of a header that came in parts.
    header: Vec<u8>,
    /// How much of a file's content is still to come.
    skip: u64,
    read: usize,
    found: Vec<(String, Timestamp)>,
    through: bool,
}

impl Listing {
    fn is_through(&self) -> bool {
        self.through || self.read > LONGEST_BEGINNING
    }

    fn take(&mut self, mut bytes: &[u8]) {
        self.read = self.read.saturating_add(bytes.len());
        while !bytes.is_empty() && !self.is_through() {
            let skipped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(bytes.len());
            self.skip -= skipped as u64;
            bytes = bytes.get(skipped..).unwrap_or_default();
            let wanted = BLOCK.saturating_sub(self.header.len()).min(bytes.len());
            let (part, rest) = bytes.split_at_checked(wanted).unwrap_or((bytes, &[]));
            self.header.extend_from_slice(part);
            bytes = rest;
            if self.header.len() == BLOCK {
                let header = std::mem::take(&mut self.header);
                self.note(Header::from_byte_slice(&header));
            }
        }
    }

    fn note(&mut self, header: &Header) {
        let Ok(size) = header.entry_size() else {
            self.through = true;
            return;
        };
        self.skip = size.next_multiple_of(BLOCK as u64);
        let path = header.path_bytes();
        let Some(name) = top_name(&path) else { return };
        if name.starts_with(TEMPORARY_PREFIX) {
            let written = header.mtime().ok().and_then(|at| Timestamp::from_second(at.try_into().ok()?).ok());
            if header.entry_type() == EntryType::Regular {
                self.found.extend(written.map(|written| (name.to_owned(), written)));
            }
        } else if name > TEMPORARY_PREFIX {
            self.through = true;
        }
    }
}

/// Of `folder/name` and `folder/name/` the name; none for what lies deeper, and for the folder itself.
fn top_name(path: &[u8]) -> Option<&str> {
    let path = std::str::from_utf8(path).ok()?.trim_matches('/');
    path.split_once('/').map(|(_, name)| name).filter(|name| !name.contains('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_by_where_a_program_lies() {
        assert_eq!(version_in("/home/node/.local/share/claude/versions/2.1.329").as_deref(), Some("2.1.329"));
        assert_eq!(version_in("/claude/versions/\u{1b}[31m"), None);
        assert_eq!(version_in("/usr/bin/claude"), None);
        assert_eq!(
            package_of("/usr/local/lib/node_modules/@anthropic-ai/claude-code/cli.js").as_deref(),
            Some("/usr/local/lib/node_modules/@anthropic-ai/claude-code/package.json")
        );
        assert_eq!(package_of("/usr/bin/claude"), None);
    }

    fn archive(files: &[(&str, usize)]) -> Vec<u8> {
        let mut tar = tar::Builder::new(Vec::new());
        for (path, size) in files {
            let mut header = Header::new_gnu();
            header.set_size(*size as u64);
            header.set_mtime(1_000);
            header.set_mode(0o600);
            header.set_entry_type(if path.ends_with('/') { EntryType::Directory } else { EntryType::Regular });
            tar.append_data(&mut header, path, vec![b'x'; *size].as_slice()).unwrap();
        }
        tar.into_inner().unwrap()
    }

    #[test]
    fn our_files_are_found_however_the_archive_comes() {
        let whole = archive(&[
            ("v/", 0),
            ("v/.claude.json", 700),
            ("v/.deep/", 0),
            ("v/.deep/.tokenferry-a-1", 10),
            ("v/.tokenferry-a-1", 30),
            ("v/.tokenferry-b-2", 512),
            ("v/projects/", 0),
            ("v/projects/.tokenferry-a-9", 9),
        ]);
        for step in [1, 100, 512, 513, 100_000] {
            let mut listing = Listing::default();
            whole.chunks(step).for_each(|chunk| listing.take(chunk));
            let names: Vec<&str> = listing.found.iter().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, [".tokenferry-a-1", ".tokenferry-b-2"], "in steps of {step}");
            assert!(listing.is_through());
            assert_eq!(listing.found[0].1.as_second(), 1_000);
        }
    }
}
