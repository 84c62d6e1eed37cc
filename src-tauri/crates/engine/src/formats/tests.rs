//! What every format owes, whoever writes it: each is tried here as soon as it is in the list.

use std::collections::BTreeSet;

use proptest::prelude::*;
use proptest::sample::{Index, select};

use super::*;
use crate::credentials::samples;
use crate::secret::{SecretBytes, SecretString};

/// What no format may ever write.
const REFRESH_TOKEN: &str = "canary-refresh";
/// The same of somebody else's, in the samples.
const THEIR_REFRESH_TOKEN: &str = "their-refresh";

/// What a file may hold beside our token.
enum Beside {
    /// Nothing: it is wholly ours.
    Nothing,
    /// This of others', such as here; each of these texts has to stay.
    Others(&'static str, &'static [&'static str]),
}

/// What others write into a format's file. A new format is asked for here.
fn beside(format: &str, path: &str) -> Beside {
    match (format, path) {
        ("claude-code", _) => Beside::Others(
            r#"{"mcpOAuth":{"server":"theirs"},"claudeAiOauth":{"accessToken":"old","refreshToken":""}}"#,
            &["mcpOAuth", "server", "theirs"],
        ),
        ("anthropic-profile", "configs/default.json") => Beside::Others(
            r#"{"base_url":"https://x","authentication":{"note":1}}"#,
            &["base_url", "https://x", "note"],
        ),
        ("anthropic-profile", _) => Beside::Others(r#"{"note":"theirs","access_token":"old"}"#, &["note", "theirs"]),
        ("dotenv", _) => Beside::Others(
            "# theirs\r\nexport A='b # c'\r\nCLAUDE_CODE_OAUTH_TOKEN=old # theirs\r\nB = 2",
            &["# theirs\r\nexport A='b # c'\r\n", " # theirs\r\nB = 2"],
        ),
        ("dotenv-litellm", _) => Beside::Others(
            "A=1\nCLAUDE_ACCESS_TOKEN=old\n\nCLAUDE_CODE_OAUTH_TOKEN=theirs\n",
            &["A=1\n", "\n\nCLAUDE_CODE_OAUTH_TOKEN=theirs\n"],
        ),
        ("litellm-tokens", _) => Beside::Others(r#"{"note":"theirs","accessToken":"old"}"#, &["note", "theirs"]),
        ("token-file" | "litellm-row" | "json" | "curl-header", _) => Beside::Nothing,
        other => panic!("say here what others write into {other:?}"),
    }
}

/// A whole sign-in of somebody's in the first of a format's files. None where it has no place for a refresh token.
fn their_sign_in(format: &str) -> Option<&'static str> {
    match format {
        "claude-code" => Some(r#"{"claudeAiOauth":{"accessToken":"a","refreshToken":"their-refresh"}}"#),
        "litellm-tokens" => Some(r#"{"accessToken":"a","refreshToken":"their-refresh","expiresAt":1}"#),
        "anthropic-profile" | "litellm-row" | "json" => {
            Some(r#"{"access_token":"a","refresh_token":"their-refresh","expires_at":1}"#)
        }
        "dotenv-litellm" => Some("CLAUDE_ACCESS_TOKEN=a\nCLAUDE_REFRESH_TOKEN=their-refresh\n"),
        "token-file" | "dotenv" | "curl-header" => None,
        other => panic!("say here how a whole sign-in lies in the files of {other}"),
    }
}

/// Every format, and the one in the papers.
fn formats() -> impl Iterator<Item = &'static dyn Taker> {
    ALL.iter().copied().chain([&example::CurlHeader as &dyn Taker])
}

/// Every file of every format; the first of a format comes with true.
fn files() -> impl Iterator<Item = (&'static dyn Taker, &'static TakerFile, bool)> {
    formats().flat_map(|taker| taker.files().iter().enumerate().map(move |(number, file)| (taker, file, number == 0)))
}

fn named(taker: &dyn Taker, file: &TakerFile) -> String {
    format!("{}: {}", taker.name(), file.path)
}

/// The same account's, after a renewal.
fn renewed() -> Credentials {
    Credentials {
        access_token: SecretString::new("renewed-access"),
        access_token_ends: "2026-01-01T16:00:00Z".parse().unwrap(),
        version: 2,
        ..samples::credentials()
    }
}

fn written(change: Result<Change, ComposeError>, what: &str) -> SecretBytes {
    match change {
        Ok(Change::Write(content)) => content,
        other => panic!("{what} was not written: {other:?}"),
    }
}

fn fresh(taker: &dyn Taker, file: &TakerFile) -> SecretBytes {
    written(taker.with_token(file, &samples::credentials(), None, false), &named(taker, file))
}

fn holds(content: &[u8], text: &str) -> bool {
    String::from_utf8_lossy(content).contains(text)
}

fn ours(token: &Fingerprint) -> bool {
    *token == samples::credentials().fingerprint()
}

#[test]
fn each_writes_from_nothing() {
    let credentials = samples::credentials();
    for (taker, file, is_first) in files() {
        let content = fresh(taker, file);
        for nothing in [&b""[..], b" \n"] {
            let there = written(taker.with_token(file, &credentials, Some(nothing), false), &named(taker, file));
            assert!(taker.holds(file, &credentials, there.expose()), "{}", named(taker, file));
        }
        assert_eq!(taker.found(None), Found::Nothing);
        assert_eq!(taker.found(Some(b"")), Found::Nothing);
        if is_first {
            assert!(holds(content.expose(), credentials.access_token.expose()));
            assert_eq!(taker.found(Some(content.expose())), Found::Token(credentials.fingerprint()));
            assert_eq!(taker.access_token(content.expose()).as_ref(), Some(&credentials.access_token));
        }
        // LiteLLM sends what it reads as it is, a line break too.
        let is_bare = taker.name() == "token-file";
        assert_eq!(content.expose().ends_with(b"\n"), !is_bare, "{}", named(taker, file));
    }
}

#[test]
fn each_knows_what_it_wrote_and_writes_the_same_again() {
    let credentials = samples::credentials();
    for (taker, file, is_first) in files() {
        let content = fresh(taker, file);
        assert!(taker.holds(file, &credentials, content.expose()), "{}", named(taker, file));
        let again = taker.with_token(file, &credentials, Some(content.expose()), false);
        assert_eq!(written(again, &named(taker, file)), content);
        if is_first {
            assert!(!taker.holds(file, &renewed(), content.expose()), "{}", named(taker, file));
            assert!(!taker.holds(file, &credentials, b""), "{}", named(taker, file));
        }
    }
}

#[test]
fn each_puts_a_renewed_token_in_the_place_of_the_old_one() {
    for (taker, file, is_first) in files() {
        let old = fresh(taker, file);
        let new = written(taker.with_token(file, &renewed(), Some(old.expose()), false), &named(taker, file));
        assert!(!holds(new.expose(), samples::credentials().access_token.expose()), "{}", named(taker, file));
        if is_first {
            assert_eq!(taker.found(Some(new.expose())), Found::Token(renewed().fingerprint()));
        }
    }
}

#[test]
fn each_leaves_nothing_behind_and_takes_away_only_what_is_ours() {
    for (taker, file, is_first) in files() {
        let content = fresh(taker, file);
        let left = taker.without_token(file, Some(content.expose()), &ours);
        assert!(matches!(left, Ok(Change::Remove)), "{}: {left:?}", named(taker, file));
        let kept = taker.without_token(file, None, &ours);
        assert!(matches!(kept, Ok(Change::Keep)), "{}: {kept:?}", named(taker, file));
        if is_first {
            let kept = taker.without_token(file, Some(content.expose()), &|_| false);
            assert!(matches!(kept, Ok(Change::Keep)), "{}: {kept:?}", named(taker, file));
        }
    }
}

#[test]
fn each_keeps_what_others_wrote() {
    for (taker, file, _) in files() {
        let Beside::Others(theirs, kept) = beside(taker.name(), file.path) else { continue };
        let with = taker.with_token(file, &samples::credentials(), Some(theirs.as_bytes()), false);
        let with = written(with, &named(taker, file));
        let left = match taker.without_token(file, Some(with.expose()), &ours) {
            Ok(Change::Write(left)) => left,
            Ok(Change::Keep) => with.clone(),
            other => panic!("{} did not stay: {other:?}", named(taker, file)),
        };
        for text in kept {
            assert!(holds(with.expose(), text), "{} lacks {text:?} with the token", named(taker, file));
        }
        // Where the token stood among them, what was before it and behind it is one.
        for text in kept.iter().flat_map(|text| text.split('\n')).filter(|text| !text.starts_with(" #")) {
            assert!(holds(left.expose(), text), "{} lacks {text:?} without the token", named(taker, file));
        }
        assert!(!holds(left.expose(), samples::credentials().access_token.expose()), "{}", named(taker, file));
    }
}

#[test]
fn each_leaves_a_whole_sign_in_alone_unless_it_may_go() {
    for taker in formats() {
        let (file, Some(theirs)) = (&taker.files()[0], their_sign_in(taker.name())) else { continue };
        let with = |replace| taker.with_token(file, &samples::credentials(), Some(theirs.as_bytes()), replace);
        assert_eq!(with(false).unwrap_err(), ComposeError::Foreign, "{}", taker.name());
        assert!(matches!(taker.found(Some(theirs.as_bytes())), Found::SignIn(_)), "{}", taker.name());
        assert!(!taker.holds(file, &samples::credentials(), theirs.as_bytes()));
        let kept = taker.without_token(file, Some(theirs.as_bytes()), &|_| true);
        assert!(matches!(kept, Ok(Change::Keep)), "{}: {kept:?}", taker.name());
        let replaced = written(with(true), taker.name());
        assert!(!holds(replaced.expose(), THEIR_REFRESH_TOKEN), "{}", taker.name());
    }
}

#[test]
fn none_writes_the_refresh_token() {
    for (taker, file, _) in files() {
        let mut existing = vec![None, their_sign_in(taker.name())];
        if let Beside::Others(theirs, _) = beside(taker.name(), file.path) {
            existing.push(Some(theirs));
        }
        for existing in existing {
            let change = taker.with_token(file, &samples::credentials(), existing.map(str::as_bytes), true);
            let content = written(change, &named(taker, file));
            assert!(!holds(content.expose(), REFRESH_TOKEN), "{}", named(taker, file));
        }
    }
}

#[test]
fn what_is_no_text_is_left_alone_by_each() {
    let broken = b"\xff\xfe{\0";
    for (taker, file, _) in files() {
        for replace in [false, true] {
            let refused = taker.with_token(file, &samples::credentials(), Some(broken), replace).unwrap_err();
            assert!(matches!(refused, ComposeError::NotUnderstood(_)), "{}", named(taker, file));
        }
        taker.without_token(file, Some(broken), &|_| true).unwrap_err();
        assert!(!taker.holds(file, &samples::credentials(), broken));
        assert_eq!(taker.found(Some(broken)), Found::NotUnderstood);
    }
}

#[test]
fn names_and_files_are_fit_for_every_place() {
    let names: BTreeSet<_> = formats().map(Taker::name).collect();
    assert_eq!(names.len(), formats().count(), "two have one name");
    for name in names {
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c == '-'), "{name}");
    }
    for (taker, file, is_first) in files() {
        assert!(file.path.split('/').all(|part| !matches!(part, "" | "." | "..")), "{}", named(taker, file));
        let fitting: &[u32] = if is_first { &[0o600] } else { &[0o600, 0o644] };
        assert!(fitting.contains(&file.mode), "{}", named(taker, file));
    }
    for taker in formats() {
        let paths: BTreeSet<_> = taker.files().iter().map(|file| file.path).collect();
        assert_eq!(paths.len(), taker.files().len(), "{}", taker.name());
        assert_eq!(taker.is_official(), taker.name() == Format::default().name(), "{}", taker.name());
    }
    for taker in ALL {
        assert_eq!(taker.name().parse::<Format>().unwrap().name(), taker.name());
    }
}

/// Files of every format, and what else may lie in their place: cut, spliced, or of another kind altogether.
fn existing() -> impl Strategy<Value = Vec<u8>> {
    let mut whole = Vec::new();
    for (taker, file, _) in files() {
        whole.push(fresh(taker, file).expose().to_vec());
        whole.extend(their_sign_in(taker.name()).map(|text| text.as_bytes().to_vec()));
        if let Beside::Others(theirs, _) = beside(taker.name(), file.path) {
            whole.push(theirs.as_bytes().to_vec());
        }
    }
    let spliced = (select(whole.clone()), any::<(Index, Index)>(), any::<Vec<u8>>(), select(whole.clone())).prop_map(
        |(one, (cut, from), between, other)| {
            [&one[..cut.index(one.len())], &between[..between.len() % 3], &other[from.index(other.len())..]].concat()
        },
    );
    prop_oneof![
        select(whole),
        spliced,
        any::<Vec<u8>>(),
        "[\\[\\]{}\",:a-z_=#'\\n ]{0,40}".prop_map(String::into_bytes)
    ]
}

proptest! {
    #[test]
    fn nothing_that_may_lie_there_is_a_surprise(existing in existing(), replace: bool) {
        let credentials = renewed();
        for (taker, file, is_first) in files() {
            let what = named(taker, file);
            let _ = taker.holds(file, &credentials, &existing);
            let _ = taker.without_token(file, Some(&existing), &ours);
            let found = taker.found(Some(&existing));
            let read = taker.access_token(&existing).map(|token| Fingerprint::of(&token));
            if is_first && let Found::Token(token) = &found {
                prop_assert_eq!(read.as_ref(), Some(token), "{} reads another token", what);
            }
            prop_assert!(!matches!((&found, read), (Found::Nothing | Found::Blank, Some(_))), "{}", what);
            let Ok(Change::Write(new)) = taker.with_token(file, &credentials, Some(&existing), replace) else { continue };
            prop_assert!(replace || !is_first || !matches!(found, Found::SignIn(_)), "{} went", what);
            prop_assert!(taker.holds(file, &credentials, new.expose()), "{} doesn't hold what was written", what);
            if is_first {
                prop_assert_eq!(taker.found(Some(new.expose())), Found::Token(credentials.fingerprint()));
            }
            let token = credentials.access_token.expose();
            match taker.without_token(file, Some(new.expose()), &|token| *token == credentials.fingerprint()) {
                Ok(Change::Write(left)) => prop_assert!(!holds(left.expose(), token), "{} keeps the token", what),
                Ok(Change::Remove) => {}
                other => prop_assert!(!is_first, "{} keeps the token: {:?}", what, other),
            }
        }
    }

    #[test]
    fn no_token_is_a_surprise(token: String, scope: String, plan: Option<String>) {
        let mut credentials = Credentials {
            access_token: SecretString::new(token), scopes: vec![scope], ..samples::credentials()
        };
        credentials.identity.plan = plan;
        for (taker, file, _) in files() {
            let Ok(Change::Write(new)) = taker.with_token(file, &credentials, None, false) else { continue };
            prop_assert!(taker.holds(file, &credentials, new.expose()), "{}", named(taker, file));
        }
    }
}

const PAPERS: &str = include_str!("../../../../../docs/formats.md");

#[test]
fn the_papers_have_the_table() {
    let row = |taker: &&dyn Taker| {
        let files: Vec<_> = taker.files().iter().map(|file| format!("`{}` ({:04o})", file.path, file.mode)).collect();
        format!("| `{}` | {} | {} |", taker.name(), files.join(", "), taker.readers())
    };
    let expected: Vec<_> = ALL.iter().map(row).collect();
    let table: Vec<_> = PAPERS.lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(table, expected, "docs/formats.md has another table:\n{}", expected.join("\n"));
}

#[test]
fn the_papers_have_the_whole_example() {
    let example = include_str!("example.rs");
    assert!(PAPERS.contains(&format!("```rust\n{example}```\n")), "docs/formats.md has another example");
}
