//! Clocks that are off: the provider's, ahead or behind, and our own, when it jumps.

use std::time::Duration;

use engine::{keeper::Need, status::AccountState};
use jiff::SignedDuration;
use practice::{Endpoint, Fault, Options, RetryAfter, Trouble};

use crate::scene::{LIFE, Scene, all_put_off};

const DAY: Duration = Duration::from_secs(24 * 3600);

#[tokio::test]
async fn a_provider_whose_clock_is_ahead() {
    is_as_good_as_any(SignedDuration::from_hours(3)).await;
}

#[tokio::test]
async fn a_provider_whose_clock_is_behind() {
    is_as_good_as_any(SignedDuration::from_hours(-3)).await;
}

async fn is_as_good_as_any(clock_offset: SignedDuration) {
    let scene = Scene::with(Options { access_token_lifetime: LIFE, clock_offset, ..Options::default() });
    scene.sign_in().await;
    scene.run(&["refresh"]).await.succeeds();
    scene.expects("fresh", None).await;
    let ends = scene.account_status().access_token_ends.unwrap();
    let left = ends.duration_since(scene.clock().now()).as_secs();
    assert!((3500..=3600).contains(&left), "{left} s are left, of an hour");

    // A date is meant by the clock of whoever named it.
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::retry(503, RetryAfter::DateIn(120))));
    scene.pass(2 * LIFE);
    let keeper = scene.keeper().await;
    keeper.fresh(&scene.account, Need::Living).await.unwrap_err();
    let next = all_put_off(&keeper, &scene.account).await;
    let wait = next.duration_since(scene.clock().now()).as_secs();
    assert!((100..=121).contains(&wait), "it waits {wait} s, for a date in 120 s");
}

#[tokio::test]
async fn our_own_clock_set_back_costs_one_renewal() {
    let scene = Scene::signed_in().await;
    let keeper = scene.keeper().await;
    scene.set_back(DAY);
    for _ in 0..5 {
        keeper.fresh(&scene.account, Need::NotDue).await.unwrap();
    }
    assert_eq!(scene.renewals_asked(), 1);
    assert_eq!(scene.state(), AccountState::Fresh);
}

#[tokio::test]
async fn our_own_clock_set_ahead_costs_one_renewal() {
    let scene = Scene::signed_in().await;
    let keeper = scene.keeper().await;
    scene.pass(DAY);
    assert_eq!(scene.state(), AccountState::Offline);
    for _ in 0..5 {
        keeper.fresh(&scene.account, Need::NotDue).await.unwrap();
    }
    assert_eq!(scene.renewals_asked(), 1);
    assert_eq!(scene.state(), AccountState::Fresh);
}

#[tokio::test]
async fn a_wait_does_not_outlive_a_clock_that_was_set_back() {
    let scene = Scene::signed_in().await;
    let keeper = scene.keeper().await;
    scene.pass(DAY);
    scene.provider.fault(Fault::at(Endpoint::Refresh, Trouble::status(503)).times(1));
    keeper.fresh(&scene.account, Need::Living).await.unwrap_err();
    // What was meant as "in a second" now reads "not before tomorrow".
    scene.set_back(DAY - 2 * LIFE);
    assert_eq!(scene.state(), AccountState::Offline);
    keeper.fresh(&scene.account, Need::Living).await.unwrap();
    assert_eq!(scene.state(), AccountState::Fresh);
}
