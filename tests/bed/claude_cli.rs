//! The official CLI for those who run it beside a program of ours: a stand-in that needs nothing, and the real one in front
//! of the practice provider.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use crate::{claude_hosts::ClaudeHosts, home::Home, npm, practice::Provider};

/// The real one's package, in the version that the facts were measured with, and its integrity as the registry tells it.
pub const PACKAGE: npm::Package = npm::Package {
    what: "THE REAL CLAUDE CODE CLI",
    scope: "@anthropic-ai",
    version: "2.1.329",
    archive: if cfg!(target_arch = "x86_64") {
        Some((
            "claude-code-linux-x64",
            "sha512-+n4lu1ubYAp02Y0X/MAUnxw9yY6SHHZ77F+IoW+V0wVoFuiI9opdH6gofjf14gXJCEYMTNpks7Gn1i8XZTKAWA==",
        ))
    } else if cfg!(target_arch = "aarch64") {
        Some((
            "claude-code-linux-arm64",
            "sha512-IiG5umFToSCVWqB1lEsxxwIxKgxPXyZ3DRU915v8J4Bz5Q3JpslM0ew1m5yaT+lFXBPvYxmsEgi0XI68XHND0A==",
        ))
    } else {
        None
    },
};

/// As far as signing in goes (facts: "Its own sign-in, run by another program"). It notes its folder and its process; what
/// it knows of the sign-in is in the file beside it. Nobody listens at its address.
const STAND_IN: &str = r#"#!/bin/sh
[ "$*" = "auth login" ] || exit 9
beside="${0%/*}"
echo "$CLAUDE_CONFIG_DIR" > "$beside/folder"
echo "$$" > "$beside/process"
printf '\033[1mOpening browser to sign in…\033[0m\n'
echo "If the browser didn't open, visit: http://127.0.0.1:9/oauth/authorize?code=true&state=s"
printf 'Paste code here if prompted > '
read -r code || exit 1
# As the real one ends where Ctrl-C is pressed.
[ -n "$code" ] || exit 130
[ "$code" = "code#s" ] || { echo "Couldn't log in: $code is not the code." >&2; exit 1; }
umask 077
cp "$beside/sign-in.json" "$CLAUDE_CONFIG_DIR/.credentials.json"
echo "Login successful."
"#;

/// A `claude` in the PATH of a home.
#[derive(Debug)]
pub struct ClaudeCli {
    folder: PathBuf,
}

impl ClaudeCli {
    /// The stand-in. What it signs in with was made at this provider, and the code that it takes is `code#s`.
    pub async fn stand_in(home: Home, provider: &Provider) -> (Self, Home) {
        let (cli, home) = Self::of(home, STAND_IN);
        cli.knows_another(provider).await;
        (cli, home)
    }

    /// The stand-in signs in with one that is made at this provider now.
    pub async fn knows_another(&self, provider: &Provider) {
        fs::write(self.sign_in(), made_by_it(provider).await).expect("the folder takes a file");
    }

    /// The real one, for which these stand for Claude's hosts. None, said loudly, where it can't be had. `kept` is
    /// Cargo's own folder for what tests leave.
    pub async fn real(home: Home, hosts: &ClaudeHosts, kept: &Path) -> Option<(Self, Home)> {
        let program = PACKAGE.files(kept).await?.join("claude");
        let set = hosts.environment().map(|(name, value)| format!("{name}='{value}' "));
        let script = format!("#!/bin/sh\nexec env {}'{}' \"$@\"\n", set.concat(), program.display());
        Some(Self::of(home, &script))
    }

    fn of(home: Home, script: &str) -> (Self, Home) {
        let folder = home.path().join("programs");
        fs::create_dir(&folder).expect("a folder should be made");
        let program = folder.join("claude");
        fs::write(&program, script).expect("the folder takes a file");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("it is ours");
        let path = std::env::var("PATH").unwrap_or_default();
        let home = home.set("PATH", format!("{}:{path}", folder.display()));
        (Self { folder }, home)
    }

    /// Whether the stand-in was started so far.
    #[must_use]
    pub fn was_started(&self) -> bool {
        self.folder.join("process").exists()
    }

    /// Where the stand-in was told to keep its files; it was started before.
    #[must_use]
    pub fn told_folder(&self) -> PathBuf {
        PathBuf::from(fs::read_to_string(self.folder.join("folder")).expect("it was started").trim())
    }

    /// The file of the sign-in that the stand-in makes.
    #[must_use]
    pub fn sign_in(&self) -> PathBuf {
        self.folder.join("sign-in.json")
    }

    /// Whether the stand-in that was started last runs still.
    #[must_use]
    pub fn runs(&self) -> bool {
        let number = fs::read_to_string(self.folder.join("process")).expect("it was started");
        let stat = fs::read_to_string(format!("/proc/{}/stat", number.trim()));
        stat.is_ok_and(|stat| !stat.contains(" Z "))
    }
}

/// A sign-in that the official CLI made, as its file.
async fn made_by_it(provider: &Provider) -> String {
    let home = Home::new().provider(provider);
    let automatic = provider.options().automatic;
    provider.set(|options| options.automatic = true);
    home.tokenferry(["login"]).run().await.succeeds();
    provider.set(|options| options.automatic = automatic);
    let file = home.path().join("given.json");
    let export = home.tokenferry(["export", "claude-code", "--with-refresh-token", "--yes", "--to"]);
    export.arg(&file).run().await.succeeds();
    fs::read_to_string(file).expect("it was exported")
}
