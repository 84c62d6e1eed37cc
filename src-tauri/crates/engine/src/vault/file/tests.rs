use std::fs;
use std::path::Path;

use super::*;
use crate::account::AccountName;
use crate::secret::SecretString;

const OTHER_KEY: &str = "cw_0x689RpI-jtRR7oE8h_eQsKImvJapLeSbXpwF4e4=";

async fn open(home: &Path) -> EncryptedFiles {
    EncryptedFiles::open(home, GivenKey::default()).await.unwrap()
}

fn given(text: &str) -> GivenKey {
    GivenKey { text: Some(SecretString::new(text)), file: None }
}

fn secret(text: &str) -> SecretBytes {
    SecretBytes::new(text.as_bytes().to_vec())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    fs::read_dir(folder).unwrap().map(|file| file.unwrap().path()).collect()
}

#[tokio::test]
async fn keeps_replaces_and_forgets() {
    let home = tempfile::tempdir().unwrap();
    let name = AccountName::default();
    let entry = Entry::Account(&name);
    let vault = open(home.path()).await;
    assert_eq!(vault.read(entry).await.unwrap(), None);
    vault.write(entry, &secret("one")).await.unwrap();
    vault.write(entry, &secret("two")).await.unwrap();
    assert_eq!(vault.read(Entry::Trial).await.unwrap(), None);
    drop(vault);

    let vault = open(home.path()).await;
    assert_eq!(vault.read(entry).await.unwrap(), Some(secret("two")));
    vault.delete(entry).await.unwrap();
    vault.delete(entry).await.unwrap();
    assert_eq!(vault.read(entry).await.unwrap(), None);
    assert_eq!(files(&home.path().join("vault")), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn nothing_shows_on_the_disk() {
    let home = tempfile::tempdir().unwrap();
    let vault = open(home.path()).await;
    vault.write(Entry::Trial, &secret("canary-canary")).await.unwrap();
    let file = fs::read(&files(&home.path().join("vault"))[0]).unwrap();
    assert!(!file.windows(6).any(|window| window == b"canary"));
    assert!(!format!("{vault:?}").contains(fs::read_to_string(home.path().join("vault.key")).unwrap().trim()));
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_look() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let home = tempfile::tempdir().unwrap();
    fs::create_dir(home.path().join("vault")).unwrap();
    fs::set_permissions(home.path().join("vault"), fs::Permissions::from_mode(0o755)).unwrap();
    let vault = open(home.path()).await;
    vault.write(Entry::Trial, &secret("x")).await.unwrap();
    assert_eq!(mode(&home.path().join("vault")), 0o700);
    assert_eq!(mode(&home.path().join("vault.key")), 0o600);
    assert_eq!(mode(&files(&home.path().join("vault"))[0]), 0o600);
}

#[cfg(unix)]
#[tokio::test]
async fn a_key_that_others_can_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path()).await);
    let key = home.path().join("vault.key");
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = EncryptedFiles::open(home.path(), GivenKey::default()).await.unwrap_err();
    assert_eq!(error.code(), "vault_key_exposed");
    assert_eq!(error.fix(), format!("Run: chmod 600 {}", key.display()));
}

#[tokio::test]
async fn only_a_whole_key_is_a_key() {
    let home = tempfile::tempdir().unwrap();
    let unpadded = OTHER_KEY.trim_end_matches('=');
    for bad in
        ["", "correct horse battery staple", unpadded, "cw/0x689RpI+jtRR7oE8h/eQsKImvJapLeSbXpwF4e4=", &"ä".repeat(22)]
    {
        let error = EncryptedFiles::open(home.path(), given(bad)).await.unwrap_err();
        assert_eq!(error.code(), "vault_key_malformed", "{bad}");
        assert!(bad.is_empty() || !format!("{error} {}", error.fix()).contains(bad));
    }
    EncryptedFiles::open(home.path(), given(OTHER_KEY)).await.unwrap();
    let nowhere = GivenKey { text: None, file: Some(home.path().join("nowhere")) };
    assert_eq!(EncryptedFiles::open(home.path(), nowhere).await.unwrap_err().code(), "encryption_key_unreadable");
    assert!(!home.path().join("vault.key").exists(), "a key was made although one was given");

    fs::write(home.path().join("vault.key"), "no key").unwrap();
    #[cfg(unix)]
    fs::set_permissions(home.path().join("vault.key"), std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    assert_eq!(EncryptedFiles::open(home.path(), GivenKey::default()).await.unwrap_err().code(), "vault_key_malformed");
}

#[tokio::test]
async fn another_key_opens_and_overwrites_nothing() {
    let home = tempfile::tempdir().unwrap();
    let vault = open(home.path()).await;
    vault.write(Entry::Trial, &secret("x")).await.unwrap();
    let other = EncryptedFiles::open(home.path(), given(OTHER_KEY)).await.unwrap();
    assert_eq!(other.read(Entry::Trial).await.unwrap_err().code(), "vault_key_wrong");
    assert_eq!(other.write(Entry::Trial, &secret("y")).await.unwrap_err().code(), "vault_key_wrong");
    assert_eq!(vault.read(Entry::Trial).await.unwrap(), Some(secret("x")));
}

#[tokio::test]
async fn a_lost_key_is_not_replaced_by_a_new_one() {
    let home = tempfile::tempdir().unwrap();
    open(home.path()).await.write(Entry::Trial, &secret("x")).await.unwrap();
    fs::remove_file(home.path().join("vault.key")).unwrap();
    let error = EncryptedFiles::open(home.path(), GivenKey::default()).await.unwrap_err();
    assert_eq!(error.code(), "vault_key_missing");
    assert!(error.fix().contains(&format!("{} ", home.path().join("vault").display())), "{}", error.fix());
}

#[tokio::test]
async fn swapped_files_are_noticed() {
    let home = tempfile::tempdir().unwrap();
    let (ada, bob) = ("ada".parse().unwrap(), "bob".parse().unwrap());
    let vault = open(home.path()).await;
    vault.write(Entry::Account(&ada), &secret("a")).await.unwrap();
    fs::rename(vault.0.place(Entry::Account(&ada)).path, vault.0.place(Entry::Account(&bob)).path).unwrap();
    assert_eq!(vault.read(Entry::Account(&bob)).await.unwrap_err().code(), "vault_entry_corrupt");
}

#[tokio::test]
async fn damage_is_told_and_can_be_written_over() {
    let home = tempfile::tempdir().unwrap();
    let vault = open(home.path()).await;
    vault.write(Entry::Trial, &secret("x")).await.unwrap();
    let path = vault.0.place(Entry::Trial).path;
    let whole = fs::read_to_string(&path).unwrap();
    let turned = whole.replacen("gAAAAAAAAAA", "gAAAAAAAAAB", 1);
    assert_ne!(whole, turned);
    for damaged in ["", "{}", &whole[..whole.len() / 2], &turned] {
        fs::write(&path, damaged).unwrap();
        assert_eq!(vault.read(Entry::Trial).await.unwrap_err().code(), "vault_entry_corrupt", "{damaged}");
        vault.write(Entry::Trial, &secret("y")).await.unwrap();
        assert_eq!(vault.read(Entry::Trial).await.unwrap(), Some(secret("y")));
    }
    fs::write(&path, r#"{"format":2,"new":true}"#).unwrap();
    assert_eq!(vault.read(Entry::Trial).await.unwrap_err().code(), "vault_entry_newer");
    assert_eq!(vault.write(Entry::Trial, &secret("z")).await.unwrap_err().code(), "vault_entry_newer");
}

#[tokio::test]
async fn what_a_killed_process_left_is_swept() {
    let home = tempfile::tempdir().unwrap();
    drop(open(home.path()).await);
    let folder = home.path().join("vault");
    let (old, young) = (folder.join(".unfinished-old"), folder.join(".unfinished-young"));
    fs::write(&young, "").unwrap();
    let then = std::time::SystemTime::now() - std::time::Duration::from_secs(2 * 60 * 60);
    fs::File::create(&old).unwrap().set_modified(then).unwrap();
    fs::remove_file(home.path().join("vault.key")).unwrap();
    drop(open(home.path()).await);
    assert!(!old.exists() && young.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn racing_first_starts_end_with_one_key() {
    for _ in 0..50 {
        let home = tempfile::tempdir().unwrap();
        let opening: Vec<_> = (0..8)
            .map(|_| {
                let home = home.path().to_owned();
                tokio::spawn(async move { open(&home).await.0.key.id().to_owned() })
            })
            .collect();
        let mut ids = std::collections::HashSet::new();
        for opened in opening {
            ids.insert(opened.await.unwrap());
        }
        assert_eq!(ids.len(), 1);
    }
}

/// The key and the token are from Fernet's own published examples.
#[test]
fn the_fernet_of_others_is_read_whatever_the_clock_says() {
    let key = Key::given(&SecretString::new(OTHER_KEY), String::new()).unwrap();
    let theirs = "gAAAAAAdwJ6wAAECAwQFBgcICQoLDA0ODy021cpGVWKZ_eEwCGM4BLLF_5CV9dOPmrhuVUPgJobwOz7JcbmrR64jVmpU4IwqDA==";
    assert_eq!(key.decrypt(theirs), Some(secret("hello")));
}
