//! Times as people say them.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// A moment as seen from `now`: `18:40` today, `Tue 18:40` within a week, a date beyond.
pub fn moment(time: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (time, now) = (time.to_zoned(zone.clone()), now.to_zoned(zone.clone()));
    let days = time.date().since(now.date()).map_or(i32::MAX, |span| span.get_days());
    let format = match days {
        0 => "%H:%M",
        -6..=6 => "%a %H:%M",
        _ if time.year() == now.year() => "%-d %b %H:%M",
        _ => "%-d %b %Y %H:%M",
    };
    time.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearer_the_shorter() {
        let now = "2026-11-21T10:00:00Z".parse().unwrap();
        let said = |time: &str| moment(time.parse().unwrap(), now, &TimeZone::UTC);
        assert_eq!(said("2026-11-21T18:40:00Z"), "18:40");
        assert_eq!(said("2026-11-24T18:40:00Z"), "Tue 18:40");
        assert_eq!(said("2026-12-20T18:40:00Z"), "20 Dec 18:40");
        assert_eq!(said("2027-01-20T18:40:00Z"), "20 Jan 2027 18:40");
        assert_eq!(said("2026-11-20T18:40:00Z"), "Fri 18:40");
    }
}
