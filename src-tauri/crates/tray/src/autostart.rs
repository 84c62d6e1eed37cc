//! Starting at login, by the desktop's own way: an entry in `autostart/` of the person's settings, or the system's.
//! (Desktop Application Autostart Specification, Desktop Entry Specification 1.5.)

use std::io;
use std::path::{Path, PathBuf};

use directories::BaseDirs;

const ENTRY: &str = "autostart/tokenferry.desktop";
/// Where the system's settings are where `XDG_CONFIG_DIRS` says nothing.
const SYSTEM: &str = "/etc/xdg";

/// Where entries are, and what they start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Autostart {
    own: PathBuf,
    system: Vec<PathBuf>,
    program: PathBuf,
}

impl Autostart {
    /// That of the person who runs this process, for the `tokenferry` at this path. None where the system names no folder
    /// for their settings.
    pub fn of_process(program: PathBuf) -> Option<Self> {
        let folders = std::env::var_os("XDG_CONFIG_DIRS").filter(|folders| !folders.is_empty());
        let folders = folders.unwrap_or_else(|| SYSTEM.into());
        Some(Self {
            own: BaseDirs::new()?.config_dir().join(ENTRY),
            system: std::env::split_paths(&folders).map(|folder| folder.join(ENTRY)).collect(),
            program,
        })
    }

    /// Whether it starts at login.
    pub fn is_on(&self) -> bool {
        let own = std::fs::read_to_string(&self.own).ok();
        // The person's own entry stands in for the system's.
        own.or_else(|| self.of_system()).is_some_and(|entry| starts(&entry))
    }

    /// Starts it at login from now on, or no more.
    ///
    /// # Errors
    /// The entry can't be written or removed.
    pub fn set(&self, on: bool) -> io::Result<()> {
        let system_starts = self.of_system().is_some_and(|entry| starts(&entry));
        match (on, system_starts) {
            (true, true) | (false, false) => match std::fs::remove_file(&self.own) {
                Err(why) if why.kind() == io::ErrorKind::NotFound => Ok(()),
                done => done,
            },
            (true, false) => self.write(&entry(&self.program)),
            (false, true) => self.write("[Desktop Entry]\nType=Application\nName=Tokenferry\nHidden=true\n"),
        }
    }

    fn of_system(&self) -> Option<String> {
        self.system.iter().find_map(|entry| std::fs::read_to_string(entry).ok())
    }

    fn write(&self, entry: &str) -> io::Result<()> {
        if let Some(folder) = self.own.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.own, entry)
    }
}

fn starts(entry: &str) -> bool {
    let says = |key: &str| {
        let lines = entry.lines().filter_map(|line| line.split_once('='));
        lines.filter(|(name, _)| name.trim() == key).map(|(_, value)| value.trim().to_owned()).next_back()
    };
    says("Hidden").is_none_or(|value| value != "true")
        && says("X-GNOME-Autostart-enabled").is_none_or(|value| value != "false")
}

fn entry(program: &Path) -> String {
    format!(
        "[Desktop Entry]\nType=Application\nName=Tokenferry\nComment=Keeps every container signed in\nExec={} tray\n\
         Icon=tokenferry\nTerminal=false\nX-GNOME-Autostart-enabled=true\n",
        quoted(&program.to_string_lossy())
    )
}

/// As `Exec` takes it: quoted, where a character means something, and that as a string of the entry.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "/._-+,:@".contains(c) || !c.is_ascii();
    if word.chars().all(plain) {
        return word.to_owned();
    }
    let mut quoted = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '`' | '$' => quoted.extend(["\\\\", &c.to_string()]),
            '\\' => quoted.push_str("\\\\\\\\"),
            '%' => quoted.push_str("%%"),
            c => quoted.push(c),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(folder: &Path, program: &str) -> Autostart {
        Autostart {
            own: folder.join("own").join(ENTRY),
            system: vec![folder.join("none").join(ENTRY), folder.join("system").join(ENTRY)],
            program: program.into(),
        }
    }

    #[test]
    fn it_is_turned_on_and_off() {
        let folder = tempfile::tempdir().unwrap();
        let autostart = at(folder.path(), "/usr/bin/tokenferry");
        assert!(!autostart.is_on());
        autostart.set(false).unwrap();
        autostart.set(true).unwrap();
        assert!(autostart.is_on());
        let entry = std::fs::read_to_string(&autostart.own).unwrap();
        assert!(entry.contains("\nExec=/usr/bin/tokenferry tray\n"), "{entry}");
        std::fs::write(&autostart.own, entry.replace("enabled=true", "enabled=false")).unwrap();
        assert!(!autostart.is_on(), "turned off in GNOME's own settings");
        autostart.set(true).unwrap();
        assert!(autostart.is_on());
        autostart.set(false).unwrap();
        assert!(!autostart.is_on() && !autostart.own.exists());
    }

    #[test]
    fn the_system_s_entry_is_hidden_for_this_person_alone() {
        let folder = tempfile::tempdir().unwrap();
        let autostart = at(folder.path(), "/usr/bin/tokenferry");
        std::fs::create_dir_all(folder.path().join("system/autostart")).unwrap();
        std::fs::write(&autostart.system[1], entry(&autostart.program)).unwrap();
        assert!(autostart.is_on());
        autostart.set(false).unwrap();
        assert!(!autostart.is_on() && autostart.system[1].exists());
        autostart.set(true).unwrap();
        assert!(autostart.is_on() && !autostart.own.exists());
    }

    #[test]
    fn the_entry_of_the_packages_is_like_ours() {
        let packaged = include_str!("../../../linux/autostart.desktop");
        assert!(starts(packaged));
        for line in entry(Path::new("tokenferry")).lines() {
            assert!(packaged.lines().any(|packaged| packaged == line), "{line}");
        }
    }

    #[test]
    fn a_path_is_quoted_where_it_must_be() {
        assert_eq!(quoted("/opt/tokenferry-1.0/bin/tokenferry"), "/opt/tokenferry-1.0/bin/tokenferry");
        assert_eq!(quoted("/home/ada l/100%/$x"), "\"/home/ada l/100%%/\\\\$x\"");
        assert_eq!(quoted(r"/a\b"), r#""/a\\\\b""#);
    }
}
