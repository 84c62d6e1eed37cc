//! Volumes to deliver into, looked at and filled through the engine's own archive calls: from outside the product, and
//! without a mount on the host.

use std::{
    collections::BTreeMap,
    io::Read as _,
    path::{Component, Path, PathBuf},
    time::{Duration, Instant},
};

use bollard::{
    body_full,
    errors::Error,
    models::ContainerSummary,
    query_parameters::{
        DownloadFromContainerOptionsBuilder, ListContainersOptionsBuilder, RemoveVolumeOptions,
        RemoveVolumeOptionsBuilder, UploadToContainerOptionsBuilder,
    },
};
use futures_util::TryStreamExt as _;
use tar::{Archive, Builder, EntryType, Header};

use crate::{
    container::{Container, Run},
    engine::{LABEL, TestEngine, filter, remove_container},
};

/// Far longer than a courier has a volume.
const LONGEST_VISIT: Duration = Duration::from_secs(20);

/// Where the bed's helper mounts the volume that it looks into.
const MOUNT: &str = "/bed";

/// Something that lies in a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// What it is.
    pub kind: Kind,
    /// The owner's user id.
    pub uid: u64,
    /// The owner's group id.
    pub gid: u64,
    /// The twelve mode bits.
    pub mode: u32,
    /// When it was last changed, in seconds since 1970.
    pub modified: u64,
}

/// A kind of thing in a volume, with what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Kind {
    /// A file and its contents.
    File(Vec<u8>),
    /// A folder.
    Folder,
    /// A symbolic link and where it leads.
    Link(PathBuf),
    /// Anything else.
    Other,
}

impl Found {
    /// Whether it is a file.
    #[must_use]
    pub fn is_file(&self) -> bool {
        matches!(self.kind, Kind::File(_))
    }

    /// A file's contents.
    ///
    /// # Panics
    /// Where it is no file.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        match &self.kind {
            Kind::File(contents) => contents,
            other => panic!("a file was expected, but there is {other:?}"),
        }
    }

    /// A file's contents as JSON.
    ///
    /// # Panics
    /// Where it is no file, or holds no JSON.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(self.contents()).expect("the file should hold JSON")
    }

    /// Owner, group and mode, as in `(1000, 1000, 0o600)`.
    #[must_use]
    pub fn rights(&self) -> (u64, u64, u32) {
        (self.uid, self.gid, self.mode)
    }
}

/// A volume of a test. It is removed on drop, with every container that still uses it.
#[derive(Debug)]
pub struct Volume {
    engine: TestEngine,
    name: String,
}

impl Volume {
    pub(crate) fn new(engine: TestEngine, name: String) -> Self {
        Self { engine, name }
    }

    /// Its name at the engine.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Does it exist?
    pub async fn exists(&self) -> bool {
        match self.engine.docker().inspect_volume(&self.name).await {
            Ok(_) => true,
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => false,
            Err(error) => panic!("the engine should know: {error}"),
        }
    }

    /// Removes it, as soon as no courier has it any more: one may come in any moment.
    pub async fn remove(&self) {
        let begun = Instant::now();
        loop {
            let removed = self.engine.docker().remove_volume(&self.name, None::<RemoveVolumeOptions>).await;
            let is_in_use = matches!(removed, Err(Error::DockerResponseServerError { status_code: 409, .. }));
            if !is_in_use || begun.elapsed() > LONGEST_VISIT {
                return removed.expect("the volume should be removed");
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Writes a file, with the folders above it, as a person's own container would have done.
    pub async fn write(&self, path: &str, contents: &[u8], (uid, gid, mode): (u64, u64, u32)) {
        let mut entry = entry(EntryType::Regular, (uid, gid, mode));
        entry.set_size(contents.len().try_into().expect("a small file"));
        self.put(|tar| tar.append_data(&mut entry, in_helper(path), contents)).await;
    }

    /// Makes a folder, or changes whose it is; `.` is the volume itself.
    pub async fn make_folder(&self, path: &str, rights: (u64, u64, u32)) {
        let mut entry = entry(EntryType::Directory, rights);
        self.put(|tar| tar.append_data(&mut entry, in_helper(path), &[][..])).await;
    }

    /// Makes what a program that went away left behind: an empty folder or, with `Some`, a file; last changed then, in
    /// seconds since 1970.
    pub async fn leave(&self, path: &str, contents: Option<&[u8]>, modified: i64) {
        let kind = if contents.is_some() { EntryType::Regular } else { EntryType::Directory };
        let contents = contents.unwrap_or_default();
        let mut entry = entry(kind, (0, 0, 0o700));
        entry.set_mtime(modified.try_into().expect("a time after 1970"));
        entry.set_size(contents.len().try_into().expect("a small file"));
        self.put(|tar| tar.append_data(&mut entry, in_helper(path), contents)).await;
    }

    /// Makes a symbolic link.
    pub async fn make_link(&self, path: &str, target: &str) {
        let mut entry = entry(EntryType::Symlink, (0, 0, 0o777));
        self.put(|tar| tar.append_link(&mut entry, in_helper(path), target)).await;
    }

    async fn put(&self, add: impl FnOnce(&mut Builder<Vec<u8>>) -> std::io::Result<()>) {
        let mut tar = Builder::new(Vec::new());
        add(&mut tar).expect("an archive should be written");
        let tar = tar.into_inner().expect("an archive should be written");
        let helper = self.helper().await;
        // An engine leaves the folder that is put into as it is, so the volume itself is reached from above.
        let options = UploadToContainerOptionsBuilder::default().path("/").no_overwrite_dir_non_dir("true").build();
        let put = self.engine.docker().upload_to_container(helper.id(), Some(options), body_full(tar.into()));
        put.await.expect("the volume should take it");
    }

    /// What lies at a path; None where nothing does.
    pub async fn find(&self, path: &str) -> Option<Found> {
        self.all().await.remove(Path::new(path))
    }

    /// What lies at a path.
    ///
    /// # Panics
    /// Where nothing does; names what is there.
    pub async fn read(&self, path: &str) -> Found {
        let mut all = self.all().await;
        let names = format!("{:?}", all.keys());
        all.remove(Path::new(path)).unwrap_or_else(|| panic!("{path} should be there, but there is only {names}"))
    }

    /// Everything in the volume by its path; the volume itself is `""`.
    pub async fn all(&self) -> BTreeMap<PathBuf, Found> {
        let helper = self.helper().await;
        // The trailing dot keeps the folder's own name out of the archive.
        let options = DownloadFromContainerOptionsBuilder::default().path(&format!("{MOUNT}/.")).build();
        let download = self.engine.docker().download_from_container(helper.id(), Some(options));
        let tar: Vec<u8> = download.map_ok(Vec::from).try_concat().await.expect("the volume should be read");
        let mut archive = Archive::new(tar.as_slice());
        let entries = archive.entries().expect("an archive should come");
        entries
            .map(|entry| {
                let mut entry = entry.expect("an archive should be whole");
                let path = entry.path().expect("a path").components().filter(|part| part.as_os_str() != ".").collect();
                let header = entry.header().clone();
                let kind = match header.entry_type() {
                    EntryType::Regular => {
                        let mut contents = Vec::new();
                        entry.read_to_end(&mut contents).expect("an archive should be whole");
                        Kind::File(contents)
                    }
                    EntryType::Directory => Kind::Folder,
                    EntryType::Symlink => Kind::Link(header.link_name().expect("a target").expect("a target").into()),
                    _ => Kind::Other,
                };
                let found = Found {
                    kind,
                    uid: header.uid().expect("a number"),
                    gid: header.gid().expect("a number"),
                    mode: header.mode().expect("a number") & 0o7777,
                    modified: header.mtime().expect("a number"),
                };
                (path, found)
            })
            .collect()
    }

    /// The containers that mount it, running or not, without the bed's own.
    pub async fn strange_containers(&self) -> Vec<ContainerSummary> {
        let mut containers = self.containers().await.expect("containers should be listed");
        containers.retain(|container| !container.labels.as_ref().is_some_and(|labels| labels.contains_key(LABEL)));
        containers
    }

    async fn containers(&self) -> Result<Vec<ContainerSummary>, Error> {
        Self::containers_of(self.engine.docker(), &self.name).await
    }

    async fn containers_of(docker: &bollard::Docker, name: &str) -> Result<Vec<ContainerSummary>, Error> {
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filter("volume", name)).build();
        docker.list_containers(Some(options)).await
    }

    /// A container that mounts the volume and is never started: archive calls need no more.
    async fn helper(&self) -> Container {
        assert!(self.exists().await, "{} should be there; a helper would make it", self.name);
        self.engine.create(Run::app(["never-started"]).mount(self, MOUNT)).await
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let name = &self.name;
        self.engine.clean_up(|docker| async move {
            for container in Self::containers_of(&docker, name).await? {
                remove_container(&docker, &container.id.unwrap_or_default()).await?;
            }
            let options = RemoveVolumeOptionsBuilder::default().force(true).build();
            docker.remove_volume(name, Some(options)).await
        });
    }
}

/// A path of the volume as an archive's entry below the helper's root.
fn in_helper(path: &str) -> PathBuf {
    Path::new(MOUNT).join(path).components().filter(|part| matches!(part, Component::Normal(_))).collect()
}

fn entry(kind: EntryType, (uid, gid, mode): (u64, u64, u32)) -> Header {
    let mut header = Header::new_gnu();
    header.set_entry_type(kind);
    header.set_uid(uid);
    header.set_gid(gid);
    header.set_mode(mode);
    header.set_mtime(std::time::UNIX_EPOCH.elapsed().map_or(0, |since| since.as_secs()));
    header.set_size(0);
    header
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::Kind;
    use crate::TestEngine;

    #[tokio::test]
    async fn what_is_written_is_found_with_its_rights() {
        let volume = TestEngine::get().volume().await;
        volume.make_folder(".", (1000, 1000, 0o755)).await;
        volume.write("deep/file", b"contents", (1000, 1001, 0o600)).await;
        volume.make_link("link", "deep/file").await;
        let found = volume.read("deep/file").await;
        assert_eq!((found.contents(), found.rights()), (&b"contents"[..], (1000, 1001, 0o600)));
        assert_eq!(volume.read("link").await.kind, Kind::Link(PathBuf::from("deep/file")));
        assert_eq!(volume.read("").await.rights(), (1000, 1000, 0o755));
        assert_eq!(volume.find("nothing").await, None);
        assert!(volume.strange_containers().await.is_empty());
    }

    #[tokio::test]
    async fn a_volume_is_gone_after_its_test_also_after_a_panic() {
        let engine = TestEngine::get();
        let volume = engine.volume().await;
        let name = volume.name().to_owned();
        let panicked = tokio::spawn(async move {
            assert!(!volume.exists().await, "it does exist");
        });
        panicked.await.unwrap_err();
        assert!(engine.docker().inspect_volume(&name).await.is_err());
    }

    #[tokio::test]
    async fn a_missing_volume_is_not_made_by_looking() {
        let volume = TestEngine::get().missing_volume();
        assert!(!volume.exists().await);
    }
}
