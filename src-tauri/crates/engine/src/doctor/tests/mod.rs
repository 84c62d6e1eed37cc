//! Every judgement on facts that are wrong in every way, and on facts with nothing wrong.

mod wrong;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use self::wrong::*;
use super::*;
use crate::destinations::docker::EngineError;
use crate::destinations::docker::survey::Survey;
use crate::discovery::samples::labelled;
use crate::error::Error;
use crate::formats::{ALL, Format, Found};
use crate::provider::ProviderError;
use crate::settings::samples::destination;
use crate::vault::VaultError;

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
    let papers = include_str!("../../../../../../docs/doctor.md");
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
