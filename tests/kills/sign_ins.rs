//! Sign-ins that are killed: the first of a home, by browser; and later ones over a sign-in that is there, by browser and
//! by pasting. A sign-in that is there never suffers, and the next one always works.

use bed::{Home, Provider, Tokenferry};
use practice::Endpoint;
use serde_json::Value;

use crate::killing::{ATTEMPTS, Chance, End, kill_at, measured, next_start, nothing_piles_up, time_of, unfinished};

/// Of each of the three kinds.
const KILLS: usize = 20;
/// Homes at a time.
const HOMES: usize = 4;

/// What became of the sign-ins.
#[derive(Debug, Default)]
struct Count {
    killed: usize,
    through_before: usize,
    before_the_exchange: usize,
    after_the_exchange: usize,
    /// The code was used up, and nobody has its tokens.
    new_sign_ins_lost: usize,
    temporary_files: usize,
}

impl Count {
    fn add(&mut self, end: End, exchanged: bool) {
        match (end, exchanged) {
            (End::Killed, true) => self.after_the_exchange += 1,
            (End::Killed, false) => self.before_the_exchange += 1,
            (End::Ended(code), _) => assert_eq!(code, 0),
        }
        *(if end == End::Killed { &mut self.killed } else { &mut self.through_before }) += 1;
    }

    fn report(self, what: &str) {
        println!("{what}: {self:#?}\nlosses unexplained: 0");
        assert_eq!(self.killed, KILLS);
        assert!(self.before_the_exchange > 0 && self.after_the_exchange > 0, "the kills missed");
    }
}

/// Splits the kills over some homes at a time.
async fn in_homes<F: Future<Output = Vec<Count>>>(work: impl Fn(usize) -> F) -> Count {
    let mut all = Count::default();
    for count in futures_util::future::join_all((0..HOMES).map(work)).await.into_iter().flatten() {
        all.killed += count.killed;
        all.through_before += count.through_before;
        all.before_the_exchange += count.before_the_exchange;
        all.after_the_exchange += count.after_the_exchange;
        all.new_sign_ins_lost += count.new_sign_ins_lost;
        all.temporary_files += count.temporary_files;
    }
    all
}

fn kills(counts: &[Count]) -> usize {
    counts.iter().map(|count| count.killed).sum()
}

fn exchanged(provider: &Provider) -> bool {
    provider.record().of(Endpoint::Exchange).any(|entry| entry.granted.is_some())
}

/// Expects `status` and `token` to agree on whether somebody is signed in, and says so.
async fn is_signed_in(home: &Home, when: &str) -> bool {
    next_start(home).await;
    let token = home.tokenferry(["token"]).prints_a_secret().run().await;
    let signed_in = token.status.code() == Some(0);
    if !signed_in {
        token.ends_with(4);
    }
    let accounts = next_start(home).await["accounts"].clone();
    let states: Vec<_> = accounts.as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
    let expected: &[Value] = if signed_in { &["fresh".into()] } else { &[] };
    assert_eq!(states, expected, "{when}");
    signed_in
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn first_sign_ins_are_killed() {
    let chance = Chance::seeded("first sign-ins");
    let count = in_homes(async |_| {
        let provider = Provider::start();
        let fresh = || Home::new().provider(&provider);
        let first = async || {
            let home = fresh();
            time_of(home.tokenferry(["login"]), 0).await
        };
        let takes = measured(first).await;
        let mut counts = Vec::new();
        for attempt in 0..ATTEMPTS * KILLS / HOMES {
            if kills(&counts) == KILLS / HOMES {
                break;
            }
            let (home, mut count) = (fresh(), Count::default());
            let moment = chance.moment(attempt, takes, Endpoint::Exchange);
            provider.clear_record();
            let end = kill_at(moment, home.tokenferry(["login"]), &provider).await;
            let when = format!("attempt {attempt}, {moment:?} of {takes:?}, {end:?}");
            let signed_in = is_signed_in(&home, &when).await;
            let exchanged = exchanged(&provider);
            assert!(exchanged || !signed_in, "{when}: signed in without the provider");
            assert!(signed_in || end == End::Killed, "{when}: nobody is signed in after a sign-in that went through");
            count.add(end, exchanged);
            count.new_sign_ins_lost += usize::from(exchanged && !signed_in);

            home.tokenferry(["login"]).run().await.succeeds();
            home.tokenferry(["refresh"]).run().await.succeeds();
            count.temporary_files += nothing_piles_up(&home).await;
            counts.push(count);
        }
        counts
    })
    .await;
    count.report("first sign-ins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn later_sign_ins_are_killed() {
    let chance = Chance::seeded("later sign-ins");
    let count = in_homes(async |_| {
        let provider = Provider::start();
        let home = Home::new().provider(&provider);
        over_one_that_is_there(&chance, &provider, &home, async || home.tokenferry(["login"])).await
    })
    .await;
    count.report("later sign-ins");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pasted_sign_ins_are_killed() {
    let chance = Chance::seeded("pasted sign-ins");
    let count = in_homes(async |_| {
        let provider = Provider::start();
        let home = Home::new().provider(&provider);
        let callback = async || {
            let begun = home.tokenferry(["login", "--paste", "--json"]).run().await.succeeds().json();
            let code = provider.code_to_paste(begun["authorization_url"].as_str().unwrap()).await;
            home.tokenferry(["callback"]).input(code)
        };
        over_one_that_is_there(&chance, &provider, &home, callback).await
    })
    .await;
    count.report("pasted sign-ins");
}

/// Kills sign-ins in a home where somebody is signed in, and expects that one, or the new one, to be good after each.
async fn over_one_that_is_there(
    chance: &Chance,
    provider: &Provider,
    home: &Home,
    sign_in: impl AsyncFn() -> Tokenferry,
) -> Vec<Count> {
    home.tokenferry(["login"]).run().await.succeeds();
    let takes = measured(async || time_of(sign_in().await, 0).await).await;
    let mut counts = Vec::new();
    for attempt in 0..ATTEMPTS * KILLS / HOMES {
        if kills(&counts) == KILLS / HOMES {
            break;
        }
        let mut count = Count::default();
        let moment = chance.moment(attempt, takes, Endpoint::Exchange);
        let command = sign_in().await;
        let before = provider.sign_ins().len();
        provider.clear_record();
        let end = kill_at(moment, command, provider).await;
        let when = format!("attempt {attempt}, {moment:?} of {takes:?}, {end:?}");
        assert!(is_signed_in(home, &when).await, "{when}: the sign-in that was there is lost");
        count.add(end, exchanged(provider));

        // Whichever it is, it can be renewed.
        home.tokenferry(["refresh"]).run().await.succeeds();
        let sign_ins = provider.sign_ins();
        let renewed = provider.record().renewals().last().and_then(|entry| entry.granted).expect("it was renewed");
        let is_new = usize::try_from(renewed.sign_in).unwrap() > before;
        assert!(is_new || end == End::Killed, "{when}: the earlier sign-in is kept after a later one went through");
        count.new_sign_ins_lost += usize::from(sign_ins.len() > before && !is_new);
        counts.push(count);
    }
    // A code that was never traded waits for its ten minutes, and is no temporary file.
    let files = unfinished(home).len();
    counts.push(Count { temporary_files: files, ..Count::default() });
    nothing_piles_up(home).await;
    counts
}
