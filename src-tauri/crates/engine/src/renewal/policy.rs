//! When to renew, and when to try again: pure, with the time and the chance told from outside.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};

use crate::account::AccountName;

/// A token is renewed in the last tenth of its life, though never later than the user's buffer before its end.
const LAST_PART: u32 = 10;
/// A token that was made just now is left alone for this long, however short its life.
const SHORTEST_REST: Duration = Duration::from_secs(1);
/// The first pause after a failure; each further one is twice as long.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between two attempts that failed.
const LONGEST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// What a provider may ask for with `Retry-After`; beyond it a mistake is likelier than a wish.
const LONGEST_WISH: Duration = Duration::from_secs(60 * 60);
/// A record from further in the future than this was made before the clock was set back.
const CLOCK_TOLERANCE: Duration = Duration::from_secs(60);
/// No wait is longer: a laptop that slept or a clock that jumped is noticed after this much at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// When renewals are due.
#[derive(Clone, Copy, Debug)]
pub struct Policy {
    /// The user's buffer: how long before its end a token is renewed at the latest.
    pub renew_before: Duration,
}

/// A number from 0 to 1 that spreads renewals, the same in every process for the same token.
#[derive(Clone, Copy, Debug)]
pub struct Jitter(f64);

impl Jitter {
    /// The number of this version of this account's record.
    pub fn of(account: &AccountName, version: u64) -> Self {
        let digest = Sha256::digest(format!("{account} {version}").as_bytes());
        let number = digest.iter().take(4).fold(0_u32, |sum, byte| (sum << 8) | u32::from(*byte));
        Self(f64::from(number) / f64::from(u32::MAX))
    }
}

impl Policy {
    /// When a token that was made at `made` and ends at `ends` is due to be renewed, as seen at `now`.
    pub fn due(&self, now: Timestamp, made: Timestamp, ends: Timestamp, jitter: Jitter) -> Timestamp {
        if made > later(now, CLOCK_TOLERANCE) {
            return now;
        }
        let life = between(made, ends);
        let lead = self.renew_before.max(life / LAST_PART).min(life / 2);
        let due = earlier(ends, lead + lead.mul_f64(jitter.0 / 10.0));
        due.max(later(made, SHORTEST_REST))
    }
}

/// When to try again after `failures` attempts (at least one) that failed, the last of them at `now`.
pub fn try_again(now: Timestamp, failures: u32, wish: Option<Duration>, jitter: Jitter) -> Timestamp {
    let doubled = FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(failures.saturating_sub(1).min(16)));
    let pause = doubled.min(LONGEST_PAUSE);
    let pause = pause + pause.mul_f64(jitter.0 / 5.0);
    later(now, pause.max(wish.unwrap_or_default().min(LONGEST_WISH)))
}

/// Whether it is too early, at `now`, for what was put off to `next`. What was put off to further ahead than anything
/// ever is was put off before the clock was set back.
pub fn is_put_off(now: Timestamp, next: Timestamp) -> bool {
    now < next && next <= later(now, LONGEST_WISH)
}

/// How long to sleep until `until`: not at all where that is past, and never so long that a jump of the clock goes unseen.
pub fn wait(now: Timestamp, until: Timestamp) -> Duration {
    between(now, until).min(LONGEST_WAIT)
}

/// `time`, and as much later.
pub(crate) fn later(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_add(by).ok()).unwrap_or(Timestamp::MAX)
}

/// `time`, and as much earlier.
pub(super) fn earlier(time: Timestamp, by: Duration) -> Timestamp {
    SignedDuration::try_from(by).ok().and_then(|by| time.checked_sub(by).ok()).unwrap_or(Timestamp::MIN)
}

/// From the one to the other; nothing where the other comes first.
fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const HOUR: u64 = 3600;

    fn policy() -> Policy {
        Policy { renew_before: Duration::from_secs(300) }
    }

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds.cast_signed()).unwrap()
    }

    #[test]
    fn eight_hours_are_renewed_in_their_last_tenth() {
        let due = policy().due(at(0), at(0), at(8 * HOUR), Jitter(0.0));
        assert_eq!(due, at(8 * HOUR - 48 * 60));
    }

    #[test]
    fn half_an_hour_is_renewed_five_minutes_before() {
        assert_eq!(policy().due(at(0), at(0), at(1800), Jitter(0.0)), at(1500));
    }

    #[test]
    fn a_short_life_is_not_renewed_all_the_time() {
        assert_eq!(policy().due(at(0), at(0), at(10), Jitter(0.0)), at(5));
        assert_eq!(policy().due(at(0), at(0), at(1), Jitter(1.0)), at(1));
    }

    #[test]
    fn a_clock_that_was_set_back_makes_it_due() {
        let now = at(0);
        assert_eq!(policy().due(now, at(HOUR), at(9 * HOUR), Jitter(0.0)), now);
    }

    #[test]
    fn pauses_double_up_to_five_minutes() {
        let pause = |failures| between(at(0), try_again(at(0), failures, None, Jitter(0.0))).as_secs();
        assert_eq!([1, 2, 3, 9, 10, 4_000_000_000].map(pause), [1, 2, 4, 256, 300, 300]);
    }

    #[test]
    fn a_wish_is_honoured_within_reason() {
        let pause = |wish| between(at(0), try_again(at(0), 1, Some(Duration::from_secs(wish)), Jitter(0.0)));
        assert_eq!(pause(120).as_secs(), 120);
        assert_eq!(pause(0).as_secs(), 1);
        assert_eq!(pause(u64::MAX).as_secs(), HOUR);
    }

    proptest! {
        #[test]
        fn due_lies_within_the_life(life in 2_u64..400 * 24 * HOUR, jitter in 0.0..1.0_f64, buffer in 0_u64..100_000) {
            let policy = Policy { renew_before: Duration::from_secs(buffer) };
            let due = policy.due(at(0), at(0), at(life), Jitter(jitter));
            prop_assert!(due > at(0) && due < at(life), "{due}");
        }

        #[test]
        fn no_wait_is_long_or_negative(from in 0_u64..1_000_000, to in 0_u64..1_000_000) {
            prop_assert!(wait(at(from), at(to)) <= LONGEST_WAIT);
        }

        #[test]
        fn trying_again_is_never_in_the_past(failures in 1_u32.., wish in proptest::option::of(any::<u64>())) {
            let next = try_again(at(0), failures, wish.map(Duration::from_secs), Jitter(0.5));
            prop_assert!(next > at(0));
        }
    }
}
