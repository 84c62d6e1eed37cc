//! The courier as an image: a tar of the program and of folders to mount volumes at, the same bytes each time, under a
//! tag that carries their hash.

use std::io;

use sha2::{Digest, Sha256};
use tar::EntryType;

/// Where the program stands in the image.
pub const PROGRAM: &str = "/courier";
/// Where the volumes are mounted, each in a folder of its own.
const MOUNT_FOLDER: &str = "/v";
/// How many volumes find a folder to be mounted at in the image. For each one beyond them the engine makes the folder in the
/// container, and takes it away again: with a hundred that was a sixth of the container's life.
const MOUNT_POINTS: usize = 128;
/// The image's name before its tag. Of no registry: it is imported, never pulled.
const REPOSITORY: &str = "tokenferry-courier";
/// How much of the hash a tag carries: enough that two couriers never share one.
const TAG_BYTES: usize = 8;

/// Where a volume is mounted in the courier, the first at 0.
pub fn mount_point(index: usize) -> String {
    format!("{MOUNT_FOLDER}/{index}")
}

/// A machine that a courier was built for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Architecture {
    /// `x86_64`, `amd64`
    X86_64,
    /// `aarch64`, `arm64`
    Aarch64,
}

/// An engine on a machine that no courier was built for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no courier was built for {0}")]
pub struct UnknownArchitecture(pub String);

impl Architecture {
    /// Reads the name as engines tell it: Docker in the kernel's words, podman in Go's.
    ///
    /// # Errors
    /// For every other machine.
    pub fn named(name: &str) -> Result<Self, UnknownArchitecture> {
        match name {
            "x86_64" | "amd64" => Ok(Self::X86_64),
            "aarch64" | "arm64" => Ok(Self::Aarch64),
            other => Err(UnknownArchitecture(other.to_owned())),
        }
    }

    /// The program for this machine: a static ELF file.
    pub fn program(self) -> &'static [u8] {
        match self {
            Self::X86_64 => include_bytes!("../bin/courier-x86_64"),
            Self::Aarch64 => include_bytes!("../bin/courier-aarch64"),
        }
    }
}

/// An image ready to be imported.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// The name to import it under, without the tag.
    pub repository: &'static str,
    /// The tag: the first 16 hex digits of the archive's SHA-256.
    pub tag: String,
    /// The root file system as a tar archive.
    pub archive: Vec<u8>,
}

impl Image {
    /// Name and tag, as containers are created from.
    pub fn reference(&self) -> String {
        format!("{}:{}", self.repository, self.tag)
    }
}

/// The courier's image for a machine.
///
/// # Errors
/// Never in practice: the archive is written to memory.
pub fn image(architecture: Architecture) -> io::Result<Image> {
    let mut builder = tar::Builder::new(Vec::new());
    let mut add = |kind, path: &str, content: &[u8]| {
        let mut header = tar::Header::new_ustar();
        header.set_entry_type(kind);
        header.set_path(path.trim_start_matches('/'))?;
        header.set_size(content.len() as u64);
        header.set_mode(0o555);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_cksum();
        builder.append(&header, content)
    };
    add(EntryType::Regular, PROGRAM, architecture.program())?;
    add(EntryType::Directory, MOUNT_FOLDER, &[])?;
    for index in 0..MOUNT_POINTS {
        add(EntryType::Directory, &mount_point(index), &[])?;
    }
    let archive = builder.into_inner()?;
    let tag = Sha256::digest(&archive).iter().take(TAG_BYTES).map(|byte| format!("{byte:02x}")).collect();
    Ok(Image { repository: REPOSITORY, tag, archive })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_go_by_the_names_of_docker_and_podman() {
        assert_eq!(Architecture::named("x86_64"), Architecture::named("amd64"));
        assert_eq!(Architecture::named("aarch64"), Architecture::named("arm64"));
        assert_eq!(Architecture::named("riscv64"), Err(UnknownArchitecture("riscv64".to_owned())));
    }

    #[test]
    fn each_program_is_a_static_one_for_its_machine() {
        for (architecture, machine) in [(Architecture::X86_64, 62_u8), (Architecture::Aarch64, 183)] {
            let program = architecture.program();
            assert_eq!(&program[..5], b"\x7fELF\x02", "64 bits");
            assert_eq!((program[16], program[18]), (2, machine), "a program at fixed addresses, for its machine");
            assert!(program.len() < 32 << 10, "small: {} bytes", program.len());
            let text = String::from_utf8_lossy(program);
            assert!(!text.contains("/ld-linux") && !text.contains(".rs"), "no interpreter, no paths of a builder");
        }
    }

    #[test]
    fn the_same_bytes_have_the_same_tag() {
        let first = image(Architecture::X86_64).unwrap();
        assert_eq!(first, image(Architecture::X86_64).unwrap());
        assert_ne!(first.tag, image(Architecture::Aarch64).unwrap().tag);
        assert_eq!(first.reference(), format!("tokenferry-courier:{}", first.tag));
        assert_eq!(first.tag.len(), 16);
    }

    #[test]
    fn the_archive_holds_the_program_and_folders_to_mount_at() {
        let image = image(Architecture::Aarch64).unwrap();
        let mut archive = tar::Archive::new(image.archive.as_slice());
        let entries: Vec<_> = archive
            .entries()
            .unwrap()
            .map(|entry| {
                let entry = entry.unwrap();
                (entry.path().unwrap().into_owned(), entry.header().entry_type(), entry.size())
            })
            .collect();
        assert_eq!(entries[0], ("courier".into(), EntryType::Regular, Architecture::Aarch64.program().len() as u64));
        assert_eq!(entries[1], ("v".into(), EntryType::Directory, 0));
        assert_eq!(entries[2], ("v/0".into(), EntryType::Directory, 0));
        assert_eq!(entries.len(), 2 + MOUNT_POINTS);
    }
}
