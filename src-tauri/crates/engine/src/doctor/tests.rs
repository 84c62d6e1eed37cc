//! Every judgement on facts that are wrong in every way, and on facts with nothing wrong.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use super::*;
use crate::account::AccountName;
use crate::credentials::{Fingerprint, Kind, samples};
use crate::destinations::docker::survey::{ACCOUNT_LABEL, Container, Survey};
use crate::destinations::docker::{EngineError, Leftovers};
use crate::destinations::{ComposeError, DeliveryError, Ids};
use crate::discovery::samples::{bind, container, labelled, volume};
use crate::error::Error;
use crate::formats::{ALL, Format, Found};
use crate::journal::{AccountRow, CopyRow, Journal, JournalError, Stage, Trouble};
use crate::provider::ProviderError;
use crate::settings::samples::destination;
use crate::settings::{Destination, SettingsError, default_engine};
use crate::vault::{VaultError, VaultKind};

const ROOT: Ids = Ids { uid: 0, gid: 0 };
const NODE: Ids = Ids { uid: 1000, gid: 1000 };

/// An account as the journal has it.
fn row(name: &str) -> AccountRow {
    let folder = tempfile::tempdir().unwrap();
    let journal = Journal::open(&folder.path().join("journal.db")).unwrap();
    let mut credentials = samples::credentials();
    credentials.account = name.parse().unwrap();
    journal.keep_account(&credentials).unwrap();
    journal.accounts().unwrap().remove(0)
}

/// Makes it a one-year token, with so many days left.
fn lasting(row: &mut AccountRow, days: i64) {
    row.kind = Kind::OneYear;
    row.access_token_ends = row.created + SignedDuration::from_hours(24 * days);
}

fn ours(row: &AccountRow) -> Contents {
    Contents {
        file: Some(Looked { owner: ROOT, mode: 0o600 }),
        found: Found::Token(row.fingerprint.clone()),
        owner: Some(row.name.clone()),
        onboarded: false,
    }
}

/// One account, one destination `web` in `v`, and a container that uses it.
fn well() -> Facts {
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
    fn sight(&mut self) -> &mut Sight {
        self.engines[0].sight.as_mut().unwrap()
    }

    fn container(&mut self) -> &mut Container {
        &mut self.sight().survey.containers[0]
    }

    fn contents(&mut self) -> &mut Contents {
        self.sight().contents.get_mut("web").unwrap().as_mut().unwrap()
    }

    fn destination(&mut self, change: impl Fn(&mut Destination)) {
        change(&mut self.destinations[0]);
        change(&mut self.engines[0].destinations[0]);
    }
}

/// All that is found where one thing is wrong.
fn with(change: impl FnOnce(&mut Facts)) -> Vec<Finding> {
    let mut facts = well();
    change(&mut facts);
    Examination::of(&facts).findings
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

type Change = Box<dyn FnOnce(&mut Facts)>;

fn change(change: impl FnOnce(&mut Facts) + 'static) -> Change {
    Box::new(change)
}

/// Replaces the container by one with these mounts and variables.
fn app(at: &'static str, variables: &'static [&'static str]) -> Change {
    change(move |facts| *facts.container() = container("app", &[volume("v", at)], variables))
}

fn away(error: EngineError) -> Change {
    change(|facts| facts.engines[0].sight = Err(error))
}

fn unseen(error: DeliveryError) -> Change {
    change(|facts| drop(facts.sight().contents.insert("web".to_owned(), Err(error))))
}

fn found(found: Found, owner: Option<&str>) -> Change {
    let owner: Option<AccountName> = owner.map(|name| name.parse().unwrap());
    change(move |facts| *facts.contents() = Contents { found, owner, ..ours(&row("default")) })
}

fn account(change_row: impl FnOnce(&mut AccountRow) + 'static) -> Change {
    change(|facts| change_row(&mut facts.accounts[0]))
}

fn folder(lock: Option<i64>, temporary: Option<i64>) -> Change {
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

fn copy_left(facts: &mut Facts) {
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

fn shown() -> String {
    "default (unix:///var/run/docker.sock)".to_owned()
}

/// One thing wrong each, with what is found of it.
fn everything_wrong() -> Vec<(&'static str, Change)> {
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

#[test]
fn with_nothing_wrong_nothing_is_found() {
    let examination = Examination::of(&well());
    assert_eq!(examination.findings, []);
    assert!(!examination.needs_a_person());
    let one = Counts { accounts: 1, destinations: 1, engines: 1, containers: 1 };
    assert_eq!(examination.looked_at, one);
}

#[test]
fn nothing_is_said_of_the_cli_where_it_reads_nothing() {
    let others = ALL.iter().map(|taker| taker.name().parse::<Format>().unwrap()).filter(|it| !it.is_the_clis());
    for format in others {
        let mut seen = BTreeSet::new();
        // Its locks are looked for in its own folders alone.
        for (_, change) in everything_wrong().into_iter().filter(|(code, _)| !code.starts_with("lock_")) {
            let findings = with(|facts| {
                facts.destination(|it| it.format = format);
                change(facts);
            });
            for Finding { subject, what, why, fix, code: found, .. } in findings {
                if subject.destination.is_none() {
                    continue;
                }
                for text in [what, why, fix] {
                    let of_the_cli =
                        ["CLI", "Not logged in", "Claude Code,", "`claude", "JSON"].map(|it| text.contains(it));
                    let is_a_places_word = found == "file_not_understood" && text.contains("In the volume");
                    assert!(is_a_places_word || !of_the_cli.contains(&true), "{format}: {found}: {text}");
                }
                seen.insert(found);
            }
        }
        for code in ["file_missing", "file_blank", "file_not_understood", "file_unreadable", "full_credential"] {
            assert!(seen.contains(code), "{format}: {code} was not found, but {seen:?}");
        }
        for code in ["environment_overrides", "cli_looks_elsewhere", "cli_too_old", "onboarding_not_seeded"] {
            assert!(!seen.contains(code), "{format}: {code}");
        }
    }
}

#[test]
fn who_finds_no_token_is_named() {
    let missing = |format: &str| {
        let format: Format = format.parse().unwrap();
        let findings = with(|facts| {
            facts.destination(|it| it.format = format);
            facts.contents().found = Found::Blank;
        });
        findings[0].why.clone()
    };
    assert_eq!(missing("claude-code"), "A CLI that uses this volume says \"Not logged in\".");
    assert_eq!(missing("json"), "Whatever reads it finds no token there: it is for scripts of your own.");
}

#[test]
fn each_thing_that_is_wrong_is_found_and_told_whole() {
    for (code, change) in everything_wrong() {
        let findings = with(change);
        assert!(codes(&findings).contains(&code), "{code} was not found, but {:?}", codes(&findings));
        for finding in &findings {
            let Finding { what, why, fix, .. } = finding;
            for text in [what, why, fix] {
                assert!(text.ends_with(['.', ')']), "{code}: {text:?} ends no sentence");
                assert!(
                    text.starts_with(|c: char| c.is_uppercase() || c.is_ascii_digit() || "`/".contains(c)),
                    "{code}: {text:?} begins none"
                );
                assert!(!text.contains(['\u{1b}', '\t']) && !text.contains("  "), "{code}: {text:?}");
            }
            let shown = format!("{finding:?}\n{}", serde_json::to_string(finding).unwrap());
            for secret in ["the-secret-key", "canary"] {
                assert!(!shown.contains(secret), "{shown}");
            }
        }
    }
}

/// One thing that is wrong is told once, and drags nothing else along but what follows from it.
#[test]
fn each_thing_is_told_once() {
    let follows: BTreeSet<&str> = BTreeSet::from(["nobody_signed_in", "account_signed_out"]);
    for (code, change) in everything_wrong() {
        let findings = with(change);
        let found: Vec<_> = codes(&findings).into_iter().filter(|it| *it == code || !follows.contains(it)).collect();
        assert_eq!(found, [code]);
    }
}

#[test]
fn each_code_is_in_the_papers() {
    let papers = include_str!("../../../../../docs/doctor.md");
    for (code, _) in everything_wrong() {
        assert!(papers.contains(&format!("`{code}`")), "docs/doctor.md lacks {code}");
    }
}

#[test]
fn programs_are_given_every_part() {
    let [finding] = with(|facts| facts.sight().leftovers.couriers = 1).try_into().unwrap();
    let told = serde_json::to_value(&finding).unwrap();
    let names: Vec<&String> = told.as_object().unwrap().keys().collect();
    assert_eq!(names, ["code", "severity", "where", "what", "why", "fix", "fixable"]);
    assert_eq!((&told["severity"], &told["fixable"]), (&"note".into(), &true.into()));
    assert_eq!(told["where"], serde_json::json!({"engine": "default"}));
}

#[test]
fn the_worst_comes_first_and_notes_need_nobody() {
    let findings = with(|facts| {
        facts.kept_fresh = false;
        facts.vault.trouble = Some(VaultError::Locked.into());
        facts.provider.answer = Err(ProviderError::Unreachable { what: "no route".into() });
    });
    assert_eq!(codes(&findings), ["keychain_locked", "provider_unreachable", "nothing_keeps_fresh"]);
    let mut facts = well();
    facts.kept_fresh = false;
    assert!(!Examination::of(&facts).needs_a_person());
}

#[test]
fn a_volume_that_is_on_another_engine_is_pointed_to() {
    let findings = with(|facts| {
        facts.sight().survey.volumes.clear();
        let survey = Survey { volumes: vec![labelled("v", &[])], ..Survey::default() };
        let sight = Ok(Sight { survey, ..Sight::default() });
        facts.engines.push(EngineFacts { name: "desktop".into(), destinations: Vec::new(), sight });
    });
    assert!(findings[0].fix.contains("engine = \"desktop\""), "{findings:?}");
}

#[test]
fn an_engine_that_nothing_depends_on_is_no_problem() {
    let unused = |facts: &mut Facts| {
        let sight = Err(EngineError::NotRunning { shown: shown() });
        facts.engines.push(EngineFacts { name: "desktop".into(), destinations: Vec::new(), sight });
    };
    assert_eq!(with(unused), []);
    let first = with(|facts| {
        facts.destinations.clear();
        facts.engines.clear();
        unused(facts);
    });
    assert_eq!(codes(&first), ["no_destinations", "engine_not_running"]);
    assert!(first.iter().all(|finding| finding.severity == Severity::Note));
}

#[test]
fn only_what_harms_nobody_is_mended() {
    let fixable = |code: &str| {
        let wrong = everything_wrong().into_iter().filter(|(it, _)| *it == code);
        wrong.map(|(_, change)| with(change)[0].mend.clone()).collect::<Vec<_>>()
    };
    let web = || "web".parse().unwrap();
    for code in ["file_blank", "file_empty", "file_missing", "file_outdated", "other_account", "temporary_left"] {
        assert_eq!(fixable(code), [Some(Mend::Deliver(web()))], "{code}");
    }
    assert_eq!(fixable("file_unreadable"), [Some(Mend::Deliver(web())), None], "an owner that somebody chose stays");
    assert_eq!(fixable("onboarding_not_seeded"), [Some(Mend::MakeReady(web()))]);
    assert_eq!(fixable("leftovers"), [Some(Mend::Tidy("default".into()))]);
    for code in [
        "full_credential",
        "unknown_token",
        "volume_missing",
        "lock_abandoned",
        "environment_overrides",
        "keychain_locked",
    ] {
        assert_eq!(fixable(code), [None], "{code}");
    }
}

#[test]
fn ages_and_clocks_are_judged_by_the_engine_s_time() {
    let at = |ahead: i64, lock: i64| {
        codes(&with(|facts| {
            folder(Some(lock), None)(facts);
            facts.sight().ahead = Some(SignedDuration::from_secs(ahead));
        }))
    };
    assert_eq!(at(0, 119), [] as [&str; 0]);
    assert_eq!(at(0, 121), ["lock_abandoned"]);
    assert_eq!(at(0, -59), [] as [&str; 0]);
    assert_eq!(at(0, -61), ["lock_from_future"]);
    // A lock of this moment, by a clock that is an hour ahead.
    assert_eq!(at(3600, -3600), ["engine_clock_differs"]);
    assert_eq!(at(59, 0), [] as [&str; 0]);
}

#[test]
fn where_it_is_is_told_in_words() {
    let subject = Subject::destination(&destination("web", "v")).container("app");
    assert_eq!(subject.to_string(), "destination web, container app, volume v, engine default");
    assert_eq!(Subject::default().to_string(), "this installation");
}

#[test]
fn an_error_that_kept_all_from_being_looked_at_is_a_finding() {
    let examination = Examination::prevented(Timestamp::UNIX_EPOCH, &Error::NoDestinations);
    assert!(examination.needs_a_person());
    assert_eq!(codes(&examination.findings), ["no_destinations"]);
}
