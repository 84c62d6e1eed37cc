use super::samples::{bind, container, labelled, volume};
use super::*;
use crate::credentials::Fingerprint;
use crate::destinations::docker::survey::Volume;
use crate::destinations::{Ids, OwnerChoice};
use crate::settings::samples::{destination, in_volume};

fn survey(volumes: &[Volume], containers: &[Container]) -> Survey {
    Survey { volumes: volumes.to_vec(), containers: containers.to_vec() }
}

fn judged(survey: &Survey, destinations: &[&Destination], accounts: &[&str]) -> Discovery {
    let accounts: Vec<AccountName> = accounts.iter().map(|name| name.parse().unwrap()).collect();
    let facts = Facts { engine: "default", usual: true, survey, destinations, copies: &[], accounts: &accounts };
    discover(&facts, &mut destinations.iter().map(|it| it.name.clone()).collect())
}

fn with_label(account: &str, container: Container) -> Container {
    Container { labels: [(ACCOUNT_LABEL.to_owned(), account.to_owned())].into(), ..container }
}

fn codes(discovery: &Discovery) -> Vec<&'static str> {
    discovery.findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn names_labels_and_mounts_are_reasons() {
    let volumes = [
        labelled("claude-auth", &[]),
        labelled("shop_claude-auth", &[]),
        labelled("tokens", &[(ACCOUNT_LABEL, "work")]),
        labelled("home", &[]),
        labelled("data", &[]),
        labelled("notclaude-auth", &[]),
    ];
    let containers = [
        container("web", &[volume("home", "/home/node/.claude")], &[]),
        container("job", &[volume("data", "/data")], &["CLAUDE_CONFIG_DIR=/data/claude"]),
    ];
    let found = judged(&survey(&volumes, &containers), &[], &["work"]);
    let lines: Vec<_> = found.suggestions.iter().map(|it| it.command.as_str()).collect();
    assert_eq!(
        lines,
        [
            "tokenferry destination add claude-auth --volume claude-auth",
            "tokenferry destination add data-claude --volume data --folder claude",
            "tokenferry destination add home --volume home",
            "tokenferry destination add shop --volume shop_claude-auth",
            "tokenferry destination add tokens --volume tokens",
        ]
    );
    let reasons: Vec<_> = found.suggestions.iter().flat_map(|it| it.reasons.clone()).collect();
    assert_eq!(
        reasons,
        [
            "Its name is the one that volumes for Claude's sign-in have.",
            "Container job looks for Claude's sign-in there, by CLAUDE_CONFIG_DIR.",
            "Container web has it at /home/node/.claude, where Claude's sign-in is looked for.",
            "Its name is the one that volumes for Claude's sign-in have.",
            "It has the label tokenferry.account=work.",
        ]
    );
    assert_eq!(codes(&found), [""; 0]);
}

#[test]
fn a_container_says_where_in_a_volume_that_is_known_by_its_name() {
    let web = container("web", &[volume("claude-auth", "/data")], &["CLAUDE_CONFIG_DIR=/data/me"]);
    let found = judged(&survey(&[labelled("claude-auth", &[])], &[web]), &[], &[]);
    let [only] = found.suggestions.as_slice() else { panic!("{found:?}") };
    assert_eq!(only.folder.as_ref().map(|it| it.as_str()), Some("me"));
    assert_eq!(only.reasons.len(), 2);
}

#[test]
fn what_is_approved_is_no_suggestion() {
    let volumes = [labelled("claude-auth", &[]), labelled("shop_claude-auth", &[])];
    let containers = [container("web", &[volume("shop_claude-auth", "/x")], &["CLAUDE_CONFIG_DIR=/x/sub"])];
    let (first, second) = (destination("a", "claude-auth"), destination("shop", "shop_claude-auth"));
    let found = judged(&survey(&volumes, &containers), &[&first, &second], &[]);
    let [only] = found.suggestions.as_slice() else { panic!("{found:?}") };
    assert_eq!((only.volume.as_str(), only.name.as_str()), ("shop_claude-auth", "shop-sub"));

    let folder = Destination { place: in_volume("claude-auth", Some("deep")), ..first };
    let found = judged(&survey(&volumes[..1], &[]), &[&folder], &[]);
    assert_eq!(found.suggestions, [], "nothing speaks of its top");
}

#[test]
fn the_account_is_the_labels_else_the_only_one_else_to_be_chosen() {
    let one = |label: &[(&str, &str)], accounts: &[&str]| {
        let mut found = judged(&survey(&[labelled("claude-auth", label)], &[]), &[], accounts).suggestions;
        let found = found.pop().unwrap();
        (found.account.map(|it| it.to_string()), found.remarks.len(), found.command)
    };
    let base = "tokenferry destination add claude-auth --volume claude-auth";
    assert_eq!(one(&[], &["home"]), (Some("home".to_owned()), 0, base.to_owned()));
    assert_eq!(one(&[], &["home", "work"]), (None, 0, format!("{base} --account NAME")));
    assert_eq!(one(&[], &[]).0, Some("default".to_owned()));
    let work = [(ACCOUNT_LABEL, "work")];
    let labelled = |remarks| (Some("work".to_owned()), remarks, format!("{base} --account work"));
    assert_eq!(one(&work, &["home", "work"]), labelled(0));
    assert_eq!(one(&work, &["home"]), labelled(1), "nobody is signed in as work");
    assert_eq!(one(&[(ACCOUNT_LABEL, "no\u{1b}name")], &["home"]).0, None);
}

#[test]
fn the_owner_is_whom_the_containers_agree_on() {
    let as_user = |name: &str, ids: Option<(u32, u32)>| {
        let mut container = container(name, &[volume("claude-auth", "/x")], &[]);
        container.setup.as_mut().unwrap().ids = ids.map(|(uid, gid)| Ids { uid, gid });
        container
    };
    let owner = |containers: &[Container]| {
        let mut found = judged(&survey(&[labelled("claude-auth", &[])], containers), &[], &[]).suggestions;
        found.pop().unwrap().owner
    };
    let app = OwnerChoice::Ids(Ids { uid: 1000, gid: 1001 });
    let (app_user, root) = (as_user("a", Some((1000, 1001))), as_user("b", Some((0, 0))));
    assert_eq!(owner(&[]), OwnerChoice::Auto);
    assert_eq!(owner(std::slice::from_ref(&root)), OwnerChoice::Auto);
    assert_eq!(owner(&[app_user.clone(), root, as_user("c", None)]), app);
    assert_eq!(owner(&[app_user, as_user("d", Some((7, 7)))]), OwnerChoice::Auto);
}

#[test]
fn what_is_no_volume_is_told_with_what_to_do() {
    let at = "/root/.claude";
    let containers = [
        container("a", &[bind("/me/.claude", at)], &[]),
        container("b", &[bind("/me/.claude", at)], &[]),
        container("c", &[bind("/me/f", "/root/.claude/.credentials.json")], &[]),
    ];
    let found = judged(&survey(&[], &containers), &[], &[]);
    assert_eq!(found.suggestions, []);
    assert_eq!(codes(&found), ["bind_mount", "single_file"]);
    assert!(found.findings[0].what.contains("a, b"), "{found:?}");
    assert!(found.findings[1].fix.contains("-v claude-auth:/root/.claude"), "{found:?}");
}

#[test]
fn a_label_on_a_container_speaks_of_its_claude_volume_or_its_only_one() {
    let two = [volume("cache", "/cache"), volume("auth", "/root/.claude")];
    let volumes = [labelled("auth", &[]), labelled("cache", &[])];
    let found = judged(&survey(&volumes, &[with_label("work", container("web", &two, &[]))]), &[], &["work"]);
    assert_eq!(found.suggestions.iter().map(|it| it.volume.as_str()).collect::<Vec<_>>(), ["auth"]);
    assert!(found.suggestions[0].labelled);

    let only = with_label("work", container("web", &two[..1], &[]));
    let found = judged(&survey(&volumes, &[only]), &[], &["work"]);
    assert_eq!(found.suggestions[0].volume.as_str(), "cache");

    let unclear = [volume("cache", "/cache"), volume("auth", "/auth")];
    let found = judged(&survey(&volumes, &[with_label("work", container("web", &unclear, &[]))]), &[], &["work"]);
    assert_eq!((found.suggestions.len(), codes(&found)), (0, vec!["label_without_volume"]));
}

#[test]
fn accounts_at_odds_are_told() {
    let volumes = [labelled("claude-auth", &[(ACCOUNT_LABEL, "work")])];
    let home = with_label("home", container("web", &[volume("claude-auth", "/root/.claude")], &[]));
    let approved = Destination { account: "home".parse().unwrap(), ..destination("web", "claude-auth") };
    let found = judged(&survey(&volumes, &[]), &[&approved], &["home", "work"]);
    assert_eq!(codes(&found), ["account_mismatch"]);
    assert_eq!(
        found.findings[0].what,
        "Destination web gets the token of home, and is labelled for work (the volume)."
    );

    let found = judged(&survey(&volumes, &[home]), &[], &["home", "work"]);
    assert_eq!(codes(&found), ["accounts_conflict"]);
    let [only] = found.suggestions.as_slice() else { panic!("{found:?}") };
    assert_eq!((&only.account, only.remarks.len()), (&None, 1));
}

#[test]
fn a_copy_that_is_to_go_is_told() {
    let copy = CopyRow {
        spot: destination("web", "claude-auth").spot(),
        destination: "web".into(),
        account: "work".parse().unwrap(),
        sent: Fingerprint("f".into()),
        confirmed: None,
        delivered: None,
        read_back: None,
        uncertain: false,
        withdraw: true,
        failures: 0,
        not_before: None,
        failing_since: None,
        trouble: None,
    };
    let survey = survey(&[labelled("claude-auth", &[])], &[]);
    let facts =
        Facts { engine: "default", usual: false, survey: &survey, destinations: &[], copies: &[&copy], accounts: &[] };
    let found = discover(&facts, &mut BTreeSet::new());
    assert!(found.suggestions[0].remarks.iter().any(|it| it.contains("work's token")), "{found:?}");
    assert!(found.suggestions[0].command.contains("--engine default"), "{found:?}");
}

#[test]
fn what_others_wrote_plays_no_tricks_on_a_terminal() {
    let evil = "a\u{1b}[2J\nb";
    let volumes = [labelled("claude-auth", &[(ACCOUNT_LABEL, evil)])];
    let web = with_label("work", container("web", &[volume("claude-auth", "/root/.claude")], &[]));
    let found = judged(&survey(&volumes, &[web]), &[], &[]);
    let told = serde_json::to_string(&(&found.suggestions, &found.findings)).unwrap();
    assert!(!told.contains("\\u001b") && !told.contains("\\n"), "{told}");
}
