//! When the end of what is not renewed is told of: at fixed numbers of days before it, and at the end. Pure.

use std::time::Duration;

use jiff::Timestamp;

use super::policy::earlier;

/// From how many days before the end somebody is told, and at the end itself.
const DAYS: [u16; 5] = [30, 7, 3, 1, 0];
const DAY: Duration = Duration::from_secs(24 * 3600);

/// From this many days before its end, a token that is not renewed is said to end soon.
pub const SOON_DAYS: u16 = DAYS[0];

/// The notice that is due at `now` for what ends at `ends`: days before the end, 0 for the end itself. Whoever missed
/// some is told of the last alone. None where it is too early.
pub fn notice(ends: Timestamp, now: Timestamp) -> Option<u16> {
    DAYS.into_iter().rev().find(|days| at(ends, *days) <= now)
}

/// When the next notice after `now` is due; none after the end.
pub fn next_notice(ends: Timestamp, now: Timestamp) -> Option<Timestamp> {
    DAYS.into_iter().map(|days| at(ends, days)).find(|due| *due > now)
}

fn at(ends: Timestamp, days: u16) -> Timestamp {
    earlier(ends, DAY * u32::from(days))
}

#[cfg(test)]
mod tests {
    use jiff::SignedDuration;

    use super::*;

    fn ends() -> Timestamp {
        "2027-01-01T12:00:00Z".parse().unwrap()
    }

    fn before(hours: i64) -> Timestamp {
        ends() - SignedDuration::from_hours(hours)
    }

    #[test]
    fn each_has_its_time() {
        for (hours, due) in [
            (365 * 24, None),
            (30 * 24 + 1, None),
            (30 * 24, Some(30)),
            (7 * 24 + 1, Some(30)),
            (7 * 24, Some(7)),
            (3 * 24, Some(3)),
            (25, Some(3)),
            (24, Some(1)),
            (1, Some(1)),
            (0, Some(0)),
            (-1000, Some(0)),
        ] {
            assert_eq!(notice(ends(), before(hours)), due, "{hours} hours before");
        }
    }

    #[test]
    fn the_next_is_known_and_there_is_none_after_the_end() {
        assert_eq!(next_notice(ends(), before(365 * 24)), Some(before(30 * 24)));
        assert_eq!(next_notice(ends(), before(30 * 24)), Some(before(7 * 24)));
        assert_eq!(next_notice(ends(), before(2)), Some(ends()));
        assert_eq!(next_notice(ends(), ends()), None);
    }

    #[test]
    fn walking_from_one_to_the_next_tells_each_once() {
        let (mut now, mut told) = (before(365 * 24), Vec::new());
        while let Some(next) = next_notice(ends(), now) {
            now = next;
            told.extend(notice(ends(), now));
        }
        assert_eq!(told, DAYS);
    }

    #[test]
    fn what_never_ends_is_never_told_of() {
        let now = before(0);
        assert_eq!(notice(crate::credentials::NEVER, now), None);
    }
}
