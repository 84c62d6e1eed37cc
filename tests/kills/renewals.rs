//! Renewals that are killed. Half of the kills come at any moment of the command, half shortly after the provider was
//! asked: there, a renewal can be lost for good, and every such loss has to be explained by the provider's own record.

use std::ops::AddAssign;
use std::time::Duration;

use bed::{Home, Keychain, Provider, Vault};
use jiff::Timestamp;
use practice::{EndedBy, Endpoint, Fault, Trouble};

use crate::killing::{ATTEMPTS, Chance, End, STORED_WITHIN, kill_at, measured, next_start, nothing_piles_up, time_of};

const KILLS: usize = 80;
/// Homes at a time: enough that none waits for another, few enough that a command's time stays what was measured.
const HOMES: usize = 4;
/// What became of the renewals.
#[derive(Debug, Default)]
struct Count {
    killed: usize,
    through_before: usize,
    before_rotation: usize,
    after_rotation: usize,
    losses_explained: usize,
    temporary_files: usize,
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Self) {
        self.killed += other.killed;
        self.through_before += other.through_before;
        self.before_rotation += other.before_rotation;
        self.after_rotation += other.after_rotation;
        self.losses_explained += other.losses_explained;
        self.temporary_files += other.temporary_files;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn renewals_are_killed() {
    let chance = Chance::seeded("renewals");
    let keychain = Keychain::unlocked();
    let homes = (0..HOMES).map(|number| {
        // One of them keeps its sign-in in a real keychain.
        let vault = if number == 0 { Vault::Keychain(keychain.address()) } else { Vault::File };
        in_a_home(&chance, vault)
    });
    let mut count = Count::default();
    for home in futures_util::future::join_all(homes).await {
        count += home;
    }
    println!("{count:#?}\nlosses unexplained: 0");
    assert_eq!((count.killed, count.before_rotation + count.after_rotation), (KILLS, KILLS));
    assert!(count.before_rotation > 0 && count.after_rotation > 0, "the kills missed");
}

async fn in_a_home(chance: &Chance, vault: Vault) -> Count {
    let provider = Provider::start();
    let home = Home::new().provider(&provider).vault(vault);
    home.tokenferry(["login"]).run().await.succeeds();
    let takes = measured(async || time_of(home.tokenferry(["refresh"]), 0).await).await;
    let mut count = Count::default();
    for attempt in 0..ATTEMPTS * KILLS / HOMES {
        if count.killed == KILLS / HOMES {
            break;
        }
        let moment = chance.moment(attempt, takes, Endpoint::Refresh);
        provider.clear_record();
        let end = kill_at(moment, home.tokenferry(["refresh"]), &provider).await;
        let gone = Timestamp::now();
        let when = format!("attempt {attempt}, {moment:?} of {takes:?}, {end:?}");
        count += judge(&home, &provider, end, gone, &when).await;
    }
    count.temporary_files = nothing_piles_up(&home).await;
    count
}

/// Holds what the next start finds against what the provider has on record of the one that was killed, and `gone` by then.
async fn judge(home: &Home, provider: &Provider, end: End, gone: Timestamp, when: &str) -> Count {
    let mut count = Count::default();
    match end {
        End::Killed => count.killed += 1,
        End::Ended(code) => {
            assert_eq!(code, 0, "{when}");
            count.through_before += 1;
        }
    }
    next_start(home).await;
    // Living tokens are given, whatever became of the renewal.
    home.tokenferry(["token"]).prints_a_secret().run().await.succeeds();

    let next = home.tokenferry(["refresh", "--json"]).run().await;
    let record = provider.record();
    let asked: Vec<_> = record.of(Endpoint::Refresh).collect();
    let (killed, ours) = match asked.as_slice() {
        [ours] => (None, ours),
        [killed, ours] => (Some(killed), ours),
        other => panic!("{when}: {} requests of two processes", other.len()),
    };
    let rotated = killed.is_some_and(|entry| entry.granted.is_some());
    if end == End::Killed {
        *(if rotated { &mut count.after_rotation } else { &mut count.before_rotation }) += 1;
    }
    if next.status.code() == Some(0) {
        assert!(ours.granted.is_some(), "{when}");
        return count;
    }

    // Lost. Then the provider had rotated for the killed one, and what it had answered was not in the vault yet: the
    // same old token was presented again.
    let next = next.ends_with(4);
    assert_eq!(next.json()["error"]["code"], "needs_sign_in", "{when}");
    let killed = killed.unwrap_or_else(|| panic!("{when}: lost, and nobody had renewed"));
    let sign_in = provider.sign_ins().pop().expect("there is a sign-in");
    // Its request may have been read only when it was gone. Then it held no answer at all.
    let held = Duration::try_from(gone.duration_since(killed.time)).unwrap_or_default();
    let explained = end == End::Killed
        && rotated
        && killed.presented == ours.presented
        && sign_in.ended_by == Some(EndedBy::RefreshTokenReuse)
        && held < STORED_WITHIN;
    assert!(explained, "{when}: a loss that nothing explains, after {held:?}\n{asked:#?}\n{sign_in:#?}\n{next}");
    count.losses_explained += 1;
    let status = next_start(home).await;
    assert_eq!(status["accounts"][0]["code"], "needs_sign_in", "{when}: {status:#}");
    home.tokenferry(["login"]).run().await.succeeds();
    home.tokenferry(["refresh"]).run().await.succeeds();
    count
}

#[tokio::test]
#[should_panic(expected = "a loss that nothing explains")]
async fn an_answer_that_was_there_for_long_explains_no_loss() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    home.tokenferry(["login"]).run().await.succeeds();
    provider.clear_record();
    provider.fault(Fault::at(Endpoint::Refresh, Trouble::NoAnswer).times(1).after_work());
    home.tokenferry(["refresh"]).run().await.ends_with(1);
    judge(&home, &provider, End::Killed, Timestamp::now() + STORED_WITHIN, "planted").await;
}

#[tokio::test]
#[should_panic(expected = "lost, and nobody had renewed")]
async fn a_loss_without_a_renewal_is_noticed() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    home.tokenferry(["login"]).run().await.succeeds();
    provider.clear_record();
    provider.fault(Fault::at(Endpoint::Refresh, Trouble::oauth_error("invalid_grant")).times(1));
    judge(&home, &provider, End::Killed, Timestamp::now(), "planted").await;
}

#[tokio::test]
#[should_panic(expected = "temporary files pile up")]
async fn a_file_that_stays_is_noticed() {
    let provider = Provider::start();
    let home = Home::new().provider(&provider);
    home.tokenferry(["login"]).run().await.succeeds();
    std::fs::write(home.state().join("vault/.stays"), "").unwrap();
    nothing_piles_up(&home).await;
}
