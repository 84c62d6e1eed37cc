//! Facts with nothing wrong, and each thing that can be wrong with what is found of it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use jiff::SignedDuration;
use jiff::tz::TimeZone;

use super::super::*;
use crate::account::AccountName;
use crate::credentials::{Fingerprint, Kind, samples};
use crate::destinations::docker::survey::{ACCOUNT_LABEL, Container, Survey};
use crate::destinations::docker::{EngineError, Leftovers};
use crate::destinations::{ComposeError, DeliveryError, Ids};
use crate::discovery::samples::{bind, container, labelled, volume};
use crate::error::Error;
use crate::formats::Found;
use crate::journal::{AccountRow, CopyRow, Journal, JournalError, Stage, Trouble};
use crate::provider::ProviderError;
use crate::settings::samples::destination;
use crate::settings::{Destination, SettingsError, default_engine};
use crate::vault::{VaultError, VaultKind};
pub(super) const ROOT: Ids = Ids { uid: 0, gid: 0 };
pub(super) const NODE: Ids = Ids { uid: 1000, gid: 1000 };

/// An account as the journal has it.
pub(super) fn row(name: &str) -> AccountRow {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
    let mut credentials = samples::credentials();
    credentials.account = name.parse().unwrap();
    journal.keep_account(&credentials).unwrap();
    journal.accounts().unwrap().remove(0)
}

/// Makes it a one-year token, with so many days left.
pub(super) fn lasting(row: &mut AccountRow, days: i64) {
    row.kind = Kind::OneYear;
    row.access_token_ends = row.created + SignedDuration::from_hours(24 * days);
}

pub(super) fn ours(row: &AccountRow) -> Contents {
    Contents {
        file: Some(Looked { owner: ROOT, mode: 0o600 }),
        found: Found::Token(row.fingerprint.clone()),
        owner: Some(row.name.clone()),
        onboarded: false,
    }
}

/// One account, one destination `web` in `v`, and a container that uses it.
pub(super) fn well() -> Facts {
    let row = row("default");
    let sight = Sight {
        survey: Survey {
            volumes: vec![labelled("v", &[])],
            containers: vec![container("app", &[volume("v", "/root/.claude")], &[])],
        },
        ahead: Some(SignedDuration::from_secs(2)),
        contents: BTreeMap::from([("web".to_owned(), Ok(ours(&row)))]),
        ..Sight::default()
    };
    let destinations = vec![destination("web", "v")];
    Facts {
        now: samples::credentials().created,
        zone: TimeZone::UTC,
        settings: None,
        journal: None,
        vault: VaultFacts { kind: VaultKind::File, trouble: None, entries: Vec::new() },
        provider: ProviderFacts { other: None, answer: Ok(Some(SignedDuration::ZERO)) },
        kept_fresh: true,
        accounts: vec![row],
        copies: Vec::new(),
        destinations: destinations.clone(),
        engines: vec![EngineFacts { name: default_engine(), destinations, sight: Ok(sight) }],
    }
}

impl Facts {
    pub(super) fn sight(&mut self) -> &mut Sight {
        self.engines[0].sight.as_mut().unwrap()
    }

    pub(super) fn container(&mut self) -> &mut Container {
        &mut self.sight().survey.containers[0]
    }

    pub(super) fn contents(&mut self) -> &mut Contents {
        self.sight().contents.get_mut("web").unwrap().as_mut().unwrap()
    }

    pub(super) fn destination(&mut self, change: impl Fn(&mut Destination)) {
        change(&mut self.destinations[0]);
        change(&mut self.engines[0].destinations[0]);
    }
}

/// All that is found where one thing is wrong.
pub(super) fn with(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = well();
    change(&mut facts);
    Examination::of(&facts).findings
}

pub(super) fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

pub(super) type Change = Box<dyn FnOnce(&mut Facts)>;

pub(super) fn change(change: impl FnOnce(&mut Facts) + 'static) -> Change {
    Box::new(change)
}

/// Replaces the container by one with these mounts and variables.
pub(super) fn app(at: &'static str, variables: &'static [&'static str]) -> Change {
    change(move |facts| *facts.container() = container("app", &[volume("v", at)], variables))
}

pub(super) fn away(error: EngineError) -> Change {
    change(|facts| facts.engines[0].sight = Err(error))
}

pub(super) fn unseen(error: DeliveryError) -> Change {
    change(|facts| drop(facts.sight().contents.insert("web".to_owned(), Err(error))))
}

pub(super) fn found(found: Found, owner: Option<&str>) -> Change {
    let owner: Option<AccountName> = owner.map(|name| name.parse().unwrap());
    change(move |facts| *facts.contents() = Contents { found, owner, ..ours(&row("default")) })
}

pub(super) fn account(change_row: impl FnOnce(&mut AccountRow) + 'static) -> Change {
    change(|facts| change_row(&mut facts.accounts[0]))
}

pub(super) fn folder(lock: Option<i64>, temporary: Option<i64>) -> Change {
    change(move |facts| {
        let ago = |seconds: i64| facts.now - SignedDuration::from_secs(seconds);
        let folder = Folder {
            container: "app".to_owned(),
            running: lock.is_none_or(|ago| ago < 100_000),
            path: "/root/.claude".to_owned(),
            locks: lock.map(|seconds| (".oauth_refresh.lock".to_owned(), ago(seconds))).into_iter().collect(),
            temporaries: temporary.map(|seconds| ("x".to_owned(), ago(seconds))).into_iter().collect(),
        };
        facts.sight().folders.insert("web".to_owned(), folder);
    })
}

pub(super) fn copy_left(facts: &mut Facts) {
    facts.copies.push(CopyRow {
        spot: destination("old", "old").spot(),
        destination: "old".to_owned(),
        account: AccountName::default(),
        sent: Fingerprint("x".to_owned()),
        confirmed: None,
        delivered: None,
        read_back: None,
        uncertain: false,
        withdraw: true,
        failures: 1,
        not_before: None,
        failing_since: None,
        trouble: Some(Trouble { code: "x".into(), what: "Docker does not run.".into(), fix: "Start it.".into() }),
    });
}

pub(super) fn shown() -> String {
    "default (unix:///var/run/docker.sock)".to_owned()
}

/// One thing wrong each, with what is found of it.
pub(super) fn everything_wrong() -> Vec<(&'static str, Change)> {
    let mistake = || Error::Settings(SettingsError::Mistake(PathBuf::from("config.toml"), "line 1: no".to_owned()));
    let token = |text: &str| Found::Token(Fingerprint(text.to_owned()));
    let volume_name = || "v".to_owned();
    let unreadable = |owner: Ids| {
        change(move |facts| {
            facts.container().setup.as_mut().unwrap().ids = Some(NODE);
            facts.contents().file = Some(Looked { owner, mode: 0o600 });
        })
    };
    vec![
        // This installation.
        ("settings_mistake", change(move |facts| facts.settings = Some(mistake()))),
        (
            "settings_unusable",
            change(|facts| {
                let denied = std::io::ErrorKind::PermissionDenied.into();
                facts.settings = Some(SettingsError::Io("/home/ada/config.toml".into(), denied).into());
            }),
        ),
        (
            "journal_unusable",
            change(|facts| facts.journal = Some(JournalError::Unusable("j".into(), "it is full".to_owned()).into())),
        ),
        ("keychain_locked", change(|facts| facts.vault.trouble = Some(VaultError::Locked.into()))),
        ("keychain_absent", change(|facts| facts.vault.trouble = Some(VaultError::Absent("no bus".into()).into()))),
        ("keychain_denied", change(|facts| facts.vault.trouble = Some(VaultError::Denied.into()))),
        (
            "keychain_timed_out",
            change(|facts| facts.vault.trouble = Some(VaultError::TimedOut(Duration::from_secs(20)).into())),
        ),
        (
            "vault_other_kind",
            change(|facts| {
                let (kept_in, chosen) = (VaultKind::File, VaultKind::Keychain);
                facts.vault.trouble = Some(VaultError::OtherKind { kept_in, chosen }.into());
            }),
        ),
        (
            "vault_entry_corrupt",
            change(|facts| {
                let error = VaultError::Corrupt { entry: "account:default".into(), why: "it is no JSON".into() };
                facts.vault.entries.push((AccountName::default(), Some(error.into())));
            }),
        ),
        ("sign_in_missing", change(|facts| facts.vault.entries.push((AccountName::default(), None)))),
        ("vault_in_memory", change(|facts| facts.vault.kind = VaultKind::Memory)),
        (
            "provider_unreachable",
            change(|facts| facts.provider.answer = Err(ProviderError::Unreachable { what: "no route".into() })),
        ),
        (
            "provider_busy",
            change(|facts| facts.provider.answer = Err(ProviderError::Busy { what: "503".into(), after: None })),
        ),
        ("own_clock_differs", change(|facts| facts.provider.answer = Ok(Some(SignedDuration::from_mins(-7))))),
        ("nothing_keeps_fresh", change(|facts| facts.kept_fresh = false)),
        // Accounts.
        ("needs_sign_in", account(|row| row.stage = Stage::Refused)),
        ("sign_out_unfinished", account(|row| row.stage = Stage::Leaving)),
        ("sign_in_over", account(|row| row.sign_in_ends = row.created)),
        ("sign_in_ends_soon", account(|row| row.sign_in_ends = row.created + SignedDuration::from_hours(50))),
        ("handing_over_unfinished", account(|row| row.stage = Stage::HandingOver)),
        ("token_ended", account(|row| lasting(row, 0))),
        ("token_ends_soon", account(|row| lasting(row, 20))),
        ("renewal_fails", account(|row| row.failures = 3)),
        ("nobody_signed_in", change(|facts| facts.accounts.clear())),
        (
            "account_signed_out",
            change(|facts| {
                facts.destination(|it| it.account = "other".parse().unwrap());
                facts.contents().found = Found::Nothing;
            }),
        ),
        ("copy_left", change(copy_left)),
        (
            "no_destinations",
            change(|facts| {
                facts.destinations.clear();
                facts.engines.clear();
            }),
        ),
        // Engines.
        ("engine_not_running", away(EngineError::NotRunning { shown: shown() })),
        ("engine_hangs", away(EngineError::Hangs { shown: shown() })),
        ("engine_not_allowed", away(EngineError::NotAllowed { shown: shown(), group: Some("docker".into()) })),
        ("engine_clock_differs", change(|facts| facts.sight().ahead = Some(SignedDuration::from_hours(3)))),
        ("leftovers", change(|facts| facts.sight().leftovers = Leftovers { couriers: 2, volumes: 1 })),
        // What lies there.
        ("volume_missing", change(|facts| facts.sight().survey.volumes.clear())),
        ("lock_busy", unseen(DeliveryError::Busy("Another Tokenferry has been busy for 120 s.".into()))),
        ("volume_read_only", unseen(DeliveryError::ReadOnly { volume: volume_name() })),
        ("folder_in_place", unseen(DeliveryError::FolderInPlace { volume: volume_name(), path: "x".into() })),
        ("volume_full", unseen(DeliveryError::Full { volume: volume_name() })),
        (
            "file_not_understood",
            unseen(DeliveryError::NotUnderstood {
                volume: volume_name(),
                path: "x".into(),
                reason: ComposeError::NotUnderstood("it is no JSON".into()),
            }),
        ),
        ("file_not_understood", found(Found::NotUnderstood, None)),
        ("full_credential", found(Found::SignIn(Fingerprint("x".into())), None)),
        ("file_blank", found(Found::Blank, None)),
        ("file_empty", found(Found::Nothing, None)),
        (
            "file_missing",
            change(|facts| {
                *facts.contents() = Contents { file: None, found: Found::Nothing, owner: None, onboarded: false }
            }),
        ),
        ("file_outdated", found(token("older"), Some("default"))),
        ("other_account", found(token("theirs"), Some("theirs"))),
        ("unknown_token", found(token("nobody's"), None)),
        ("onboarding_not_seeded", app("/c", &["CLAUDE_CONFIG_DIR=/c/"])),
        ("lock_abandoned", folder(Some(200_000), None)),
        ("lock_from_future", folder(Some(-3600), None)),
        ("temporary_left", folder(None, Some(300))),
        // Containers.
        ("file_unreadable", unreadable(ROOT)),
        ("file_unreadable", unreadable(Ids { uid: 7, gid: 7 })),
        ("environment_overrides", app("/root/.claude", &["ANTHROPIC_API_KEY=the-secret-key"])),
        ("cli_looks_elsewhere", app("/data", &["CLAUDE_CONFIG_DIR=/config\u{1b}[31m"])),
        ("cli_looks_elsewhere", app("/home/node/.claude", &[])),
        (
            "cli_too_old",
            change(|facts| drop(facts.sight().versions.insert("id-of-app".to_owned(), "1.0.62".to_owned()))),
        ),
        ("single_file", change(|facts| facts.container().mounts.push(bind("/me/f", "/root/.claude.json")))),
        (
            "bind_mount",
            change(|facts| facts.sight().survey.containers.push(container("b", &[bind("/me", "/root/.claude")], &[]))),
        ),
        (
            "account_mismatch",
            change(|facts| facts.sight().survey.volumes = vec![labelled("v", &[(ACCOUNT_LABEL, "work")])]),
        ),
    ]
}
