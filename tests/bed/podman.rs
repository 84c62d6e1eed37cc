//! podman's service of a test's own: with its own storage and locks, and nothing of the system's. It ends with its
//! [`Podman`], or with the test's process.

use std::{
    fs,
    io::Write as _,
    ops::Deref,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use rustix::process::{Resource, getrlimit};
use tempfile::TempDir;
use tokio::time::sleep;

use crate::{TestEngine, dockerd::as_root};

/// It starts within a second; this is for a machine on which everything is built at once.
const START: Duration = Duration::from_secs(60);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(20);

/// Starts the service below the folder, waits until its input is closed, and clears everything away but the folder.
const KEEPER: &str = r#"
folder=$1
export CONTAINERS_CONF="$folder/containers.conf"
podman="podman --root $folder/data --runroot $folder/run"
$podman system service --time=0 "unix://$folder/podman/podman.sock" >"$folder/log" 2>&1 &
service=$!
while kill -0 $service 2>/dev/null && [ ! -S "$folder/podman/podman.sock" ]; do sleep 0.02; done
chmod 666 "$folder/podman/podman.sock"
cat
$podman rm --all --force --time 0 >/dev/null 2>&1
kill $service
wait $service
# What podman leaves behind to clear up after a container would mount the storage once more.
for process in /proc/[0-9]*; do
    case "$(tr '\0' ' ' 2>/dev/null <"$process/cmdline")" in *"$folder/"*) kill -KILL "${process#/proc/}" 2>/dev/null ;; esac
done
awk -v folder="$folder/" 'index($2, folder) == 1 { print $2 }' /proc/mounts | sort -r | xargs -r umount -l
rm -rf "$folder/data" "$folder/run" "$folder/tmp"
"#;

/// A private podman. It is used as a [`TestEngine`]; all that is made in it is gone with it.
///
/// Its archive calls neither enter volumes from above nor tell owners, so [`Podman::write`] and [`Podman::read`] go to
/// the disk.
#[derive(Debug)]
pub struct Podman {
    engine: TestEngine,
    folder: TempDir,
    keeper: Child,
}

impl Deref for Podman {
    type Target = TestEngine;

    fn deref(&self) -> &TestEngine {
        &self.engine
    }
}

impl Podman {
    /// Starts one, and waits until it answers.
    ///
    /// # Panics
    /// Where there is no podman, or no root; says what to do.
    pub async fn start() -> Self {
        let found = Command::new("podman").arg("--version").stdout(Stdio::null()).status();
        assert!(found.is_ok_and(|status| status.success()), "there is no podman. Run `setup/install podman`.");
        let folder = tempfile::Builder::new().prefix("tokenferry-podman-").tempdir().expect("a folder");
        // The socket lies in here, and root's programs write here.
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o711)).expect("a folder of ours");
        fs::create_dir(folder.path().join("podman")).expect("a folder");
        fs::write(folder.path().join("containers.conf"), settings(folder.path())).expect("a file");
        let keeper = as_root("sh")
            .args(["-c", KEEPER, "podman"])
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .expect("a shell should start");
        let socket = folder.path().join("podman/podman.sock");
        let host = format!("unix://{}", socket.display());
        let begun = Instant::now();
        while !socket.exists() {
            assert!(begun.elapsed() < START, "podman did not start");
            sleep(LOOK).await;
        }
        let podman = Self { engine: TestEngine::at(&host), folder, keeper };
        while podman.docker().ping().await.is_err() {
            assert!(begun.elapsed() < START, "podman did not answer:\n{}", podman.log());
            sleep(LOOK).await;
        }
        podman
    }

    /// The folder that stands for `XDG_RUNTIME_DIR`: the socket lies in it at its usual place.
    #[must_use]
    pub fn runtime(&self) -> &Path {
        self.folder.path()
    }

    /// What it logged.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// A file's contents, owner, group and mode; none where there is none.
    #[must_use]
    pub fn read(&self, volume: &str, path: &str) -> Option<(Vec<u8>, (u64, u64, u32))> {
        let path = self.path(volume, path);
        let stat = as_root("stat").args(["--format", "%u %g %a"]).arg(&path).output().expect("stat should run");
        let told = String::from_utf8(stat.stdout).expect("numbers");
        let mut words = told.split_whitespace();
        let uid = words.next()?.parse().expect("a number");
        let gid = words.next()?.parse().expect("a number");
        let mode = u32::from_str_radix(words.next()?, 8).expect("a number");
        let contents = as_root("cat").arg(&path).output().expect("cat should run").stdout;
        Some((contents, (uid, gid, mode)))
    }

    /// Writes a file, as a person's own container would have done.
    pub fn write(&self, volume: &str, path: &str, contents: &[u8], (uid, gid, mode): (u64, u64, u32)) {
        let mut install = as_root("install");
        install.args(["-o", &uid.to_string(), "-g", &gid.to_string(), "-m", &format!("{mode:o}"), "/dev/stdin"]);
        let mut install =
            install.arg(self.path(volume, path)).stdin(Stdio::piped()).spawn().expect("install should run");
        install.stdin.take().expect("it was piped").write_all(contents).expect("it should be read");
        assert!(install.wait().is_ok_and(|status| status.success()), "the file should be written");
    }

    fn path(&self, volume: &str, path: &str) -> PathBuf {
        self.folder.path().join("data/volumes").join(volume).join("_data").join(path)
    }
}

impl Drop for Podman {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

/// Nothing is shared with the system's podman. What a program may have is what we have: as root, podman asks for more by
/// itself, which is refused where the tests run in a container.
fn settings(folder: &Path) -> String {
    let most = |resource| getrlimit(resource).maximum.unwrap_or(1 << 20);
    let (files, processes) = (most(Resource::Nofile), most(Resource::Nproc));
    format!(
        "[containers]\ndefault_ulimits = [\"nofile={files}:{files}\", \"nproc={processes}:{processes}\"]\n\
         [engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nlock_type = \"file\"\n\
         tmp_dir = \"{folder}/tmp\"\n{runtime}",
        folder = folder.display(),
        runtime = if is_hybrid() { "runtime = \"runc\"\n" } else { "" },
    )
}

/// Whether both versions of control groups have controllers. crun, podman's usual runtime in Debian, refuses that.
fn is_hybrid() -> bool {
    fs::read_to_string("/sys/fs/cgroup/unified/cgroup.controllers").is_ok_and(|left| !left.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::Podman;
    use crate::Run;

    #[tokio::test]
    async fn it_runs_containers_and_leaves_nothing() {
        let podman = Podman::start().await;
        let folder = podman.runtime().to_owned();
        let volume = podman.volume().await;
        podman.write(volume.name(), "file", b"contents", (1000, 1001, 0o640));
        assert_eq!(podman.read(volume.name(), "file"), Some((b"contents".to_vec(), (1000, 1001, 0o640))));
        assert_eq!(podman.read(volume.name(), "nothing"), None);
        let app = podman.run(Run::app(["sleep"]).mount(&volume, "/data")).await;
        assert!(app.is_running().await);
        std::mem::forget((app, volume));
        drop(podman);
        let mounts = std::fs::read_to_string("/proc/mounts").unwrap();
        assert!(!folder.exists() && !mounts.contains(folder.to_str().unwrap()));
    }
}
