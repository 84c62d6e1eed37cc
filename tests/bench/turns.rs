//! Ways to do a thing, taking turns: A B C A B C …; and what is made of the times.

use std::time::Duration;

/// The times of one way, a round each.
#[derive(Debug, Clone)]
pub(crate) struct Times(Vec<Duration>);

/// Has each way do its thing in turn, for so many rounds and one more before them that is not counted: it fills the
/// caches. Answers with the times in the ways' order.
pub(crate) async fn take_turns<W: Copy>(
    ways: &[W],
    rounds: usize,
    mut once: impl AsyncFnMut(W) -> Duration,
) -> Vec<Times> {
    let mut times = vec![Times(Vec::with_capacity(rounds)); ways.len()];
    for way in ways {
        once(*way).await;
    }
    for _ in 0..rounds {
        for (way, times) in ways.iter().zip(&mut times) {
            times.0.push(once(*way).await);
        }
    }
    times
}

impl From<Vec<Duration>> for Times {
    fn from(times: Vec<Duration>) -> Self {
        Self(times)
    }
}

impl Times {
    pub(crate) fn median(&self) -> Duration {
        Duration::from_secs_f64(median(self.0.iter().map(Duration::as_secs_f64)))
    }

    pub(crate) fn shortest(&self) -> Duration {
        self.0.iter().min().copied().unwrap_or_default()
    }

    pub(crate) fn longest(&self) -> Duration {
        self.0.iter().max().copied().unwrap_or_default()
    }

    /// How many times as long as the other way of the same turns: the median of the rounds' ratios.
    pub(crate) fn ratio_to(&self, other: &Self) -> f64 {
        median(self.0.iter().zip(&other.0).map(|(this, other)| this.as_secs_f64() / other.as_secs_f64()))
    }
}

fn median(numbers: impl Iterator<Item = f64>) -> f64 {
    let mut numbers: Vec<f64> = numbers.collect();
    numbers.sort_by(f64::total_cmp);
    let (upper, lower) = (numbers.len() / 2, numbers.len().saturating_sub(1) / 2);
    (numbers[lower] + numbers[upper]) / 2.0
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Times, take_turns};

    fn times(millis: &[u64]) -> Times {
        millis.iter().copied().map(Duration::from_millis).collect::<Vec<_>>().into()
    }

    #[test]
    fn the_median_is_in_the_middle() {
        assert_eq!(times(&[9, 1, 2]).median(), Duration::from_millis(2));
        assert_eq!(times(&[9, 1, 2, 4]).median(), Duration::from_millis(3));
    }

    #[test]
    fn a_ratio_is_taken_round_by_round() {
        // The second round was slow for both.
        let (one, other) = (times(&[20, 2000, 20]), times(&[10, 1000, 10]));
        assert!((one.ratio_to(&other) - 2.0).abs() < 1e-9);
    }

    #[tokio::test]
    async fn the_first_turn_of_each_is_not_counted() {
        let mut turns = String::new();
        let measured = take_turns(&['a', 'b'], 2, async |way| {
            turns.push(way);
            Duration::from_millis(turns.len() as u64)
        });
        let measured = measured.await;
        assert_eq!(turns, "ababab");
        assert_eq!(measured[1].shortest(), Duration::from_millis(4));
    }
}
