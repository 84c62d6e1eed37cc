use std::collections::HashSet;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::*;

#[test]
fn words_are_parsed_and_others_refused() {
    for kind in [VaultKind::Keychain, VaultKind::File, VaultKind::Memory] {
        assert_eq!(kind.word().parse(), Ok(kind));
    }
    let error = "Keyring".parse::<VaultKind>().unwrap_err();
    assert_eq!(error.to_string(), "\"Keyring\" is no kind of vault. Use keychain, file or memory.");
}

#[test]
fn only_the_default_home_has_the_plain_service_name() {
    let default = Path::new("/home/ada/.local/state/tokenferry");
    assert_eq!(keychain_service(default, default), "tokenferry");
    let other = keychain_service(Path::new("/tmp/a"), default);
    assert!(other.starts_with("tokenferry:") && other.len() == 27, "{other}");
    assert_ne!(other, keychain_service(Path::new("/tmp/b"), default));
}

#[test]
fn entries_have_names_of_their_own_in_every_file_system() {
    let (lower, upper, con) = ("work".parse().unwrap(), "WORK".parse().unwrap(), "con".parse().unwrap());
    let entries = [
        Entry::Account(&lower),
        Entry::Account(&upper),
        Entry::Account(&con),
        Entry::PendingSignIn("work"),
        Entry::Trial,
    ];
    let stems: HashSet<_> = entries.iter().map(|&entry| file_stem(entry).to_lowercase()).collect();
    assert_eq!(stems.len(), entries.len());
    assert!(stems.iter().all(|stem| stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')), "{stems:?}");
}

/// A vault that counts its writes, and may forget.
#[derive(Debug, Default)]
struct Counting {
    inner: memory::Memory,
    writes: AtomicUsize,
    forgetful: bool,
}

#[async_trait]
impl Vault for Counting {
    fn kind(&self) -> VaultKind {
        VaultKind::Keychain
    }

    async fn read(&self, entry: Entry<'_>) -> Result<Option<SecretBytes>, VaultError> {
        self.inner.read(entry).await
    }

    async fn write(&self, entry: Entry<'_>, content: &SecretBytes) -> Result<(), VaultError> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        if self.forgetful { Ok(()) } else { self.inner.write(entry, content).await }
    }

    async fn delete(&self, entry: Entry<'_>) -> Result<(), VaultError> {
        self.inner.delete(entry).await
    }
}

#[tokio::test]
async fn a_vault_is_tried_once_for_each_home_and_kind() {
    let home = tempfile::tempdir().unwrap();
    let vault = Counting::default();
    let (first, second) = tokio::join!(try_out(&vault, home.path()), try_out(&vault, home.path()));
    first.unwrap();
    second.unwrap();
    assert_eq!(vault.writes.load(Ordering::Relaxed), 1);
    assert_eq!(vault.read(Entry::Trial).await.unwrap(), None);

    std::fs::write(home.path().join(TRIED), "file").unwrap();
    try_out(&vault, home.path()).await.unwrap();
    assert_eq!(vault.writes.load(Ordering::Relaxed), 2);
}

#[tokio::test]
async fn a_vault_that_forgets_is_found_out_every_time() {
    let home = tempfile::tempdir().unwrap();
    let vault = Counting { forgetful: true, ..Counting::default() };
    for _ in 0..2 {
        let error = try_out(&vault, home.path()).await.unwrap_err();
        assert_eq!(error.to_string(), "The system's keychain did not give back what was written to it.");
    }
}
