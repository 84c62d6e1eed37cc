//! What is in the packages, by the judgement of those who read it: the desktop's own validators, dpkg and rpm.

use std::fs;
use std::process::Command;

use crate::packed::{Packed, workspace};
use crate::{VERSION, output};

#[test]
fn desktops_and_shops_take_the_entries() {
    let folder = workspace().join("src-tauri/linux");
    for name in ["tokenferry-desktop.desktop", "autostart.desktop"] {
        let said = output(Command::new("desktop-file-validate").arg(folder.join(name)));
        assert_eq!(said, "", "{name}");
    }
    let filled = tempfile::tempdir().unwrap();
    let metainfo = fs::read_to_string(folder.join("dev.tokenferry.desktop.metainfo.xml")).unwrap();
    let metainfo = metainfo.replace("@version@", VERSION).replace("@date@", "2026-01-01");
    let path = filled.path().join("dev.tokenferry.desktop.metainfo.xml");
    fs::write(&path, metainfo).unwrap();
    output(Command::new("appstreamcli").args(["validate", "--no-net"]).arg(path));
}

#[test]
fn both_kinds_have_the_same_in_them_and_come_out_the_same_each_time() {
    let packed = Packed::new();
    let [deb, rpm] = ["deb", "rpm"].map(|kind| {
        let [one, other] = ["one", "other"].map(|folder| packed.make(kind, "1.2.0-rc.1", folder));
        assert!(fs::read(&one).unwrap() == fs::read(other).unwrap(), "two packages of the same differ: {kind}");
        one
    });
    let asked = |words: &[&str]| output(Command::new("rpm").args(["--query", "--package"]).args(words).arg(&rpm));

    assert_eq!(asked(&["--queryformat", "%{NAME} %{VERSION} %{LICENSE}"]), "tokenferry 1.2.0~rc.1 MIT OR Apache-2.0");
    assert!(asked(&["--requires"]).contains("libwebkit2gtk-4.1.so.0()(64bit)"));
    assert_eq!(asked(&["--configfiles"]), "/etc/xdg/autostart/tokenferry.desktop\n");

    let in_deb = output(Command::new("dpkg-deb").arg("--contents").arg(deb));
    let in_deb = in_deb
        .lines()
        .filter_map(|line| Some(line.split_once(" ./")?.1))
        .filter(|path| !path.is_empty() && !path.ends_with('/'));
    // Where zsh looks is the distribution's choice.
    let in_deb = in_deb.map(|path| format!("/{path}").replace("/vendor-completions/", "/site-functions/"));
    let mut in_deb: Vec<String> = in_deb.collect();
    let in_rpm = asked(&["--list"]);
    let mut in_rpm: Vec<&str> = in_rpm.lines().collect();
    let about = |path: &str| path.contains("/doc/") || path.contains("/licenses/");
    in_deb.retain(|path| !about(path));
    in_rpm.retain(|path| !about(path));
    in_deb.sort();
    in_rpm.sort_unstable();
    assert_eq!(in_rpm, in_deb);
}
