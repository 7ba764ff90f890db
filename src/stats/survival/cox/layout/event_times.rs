//! Event times, and how many have passed at a given time.

use super::super::super::super::rank::same;
use super::super::rows::CoxRows;

/// Distinct event times of all strata in one sequence, stratum after stratum.
#[derive(Debug, Clone)]
pub(in super::super) struct EventTimes {
    /// Ascending within a stratum.
    pub(in super::super) times: Vec<f64>,
    /// Stratum of each.
    pub(in super::super) strata: Vec<u32>,
    rulers: Vec<Ruler>,
}

/// The event times of one stratum behind equal intervals, which tell about where a time belongs.
#[derive(Debug, Clone)]
struct Ruler {
    stratum: u32,
    start: f64,
    intervals_per_time: f64,
    /// Where the event times of each interval begin in the sequence, and where the last one's end.
    from: Vec<u32>,
}

impl EventTimes {
    pub(in super::super) fn new(rows: &CoxRows) -> Self {
        let mut events: Vec<(u32, f64)> = (0..rows.exit.len())
            .filter(|&row| rows.event[row])
            .map(|row| (rows.stratum_of(row), rows.exit[row]))
            .collect();
        events.sort_unstable_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        events.dedup_by(|a, b| a.0 == b.0 && same(a.1, b.1));
        let (strata, times): (Vec<u32>, Vec<f64>) = events.into_iter().unzip();
        let mut from = 0;
        let ruler = |of_stratum: &[u32]| {
            let to = from + of_stratum.len();
            let ruler = Ruler::new(of_stratum[0], &times[from..to], from);
            from = to;
            ruler
        };
        let rulers = strata.chunk_by(|a, b| a == b).map(ruler).collect();
        Self { times, strata, rulers }
    }

    /// Positions of the event times at which each row is at risk: from the first up to the second.
    pub(in super::super) fn spans(&self, rows: &CoxRows) -> Vec<(u32, u32)> {
        let mut ruler = self.rulers.first();
        // Rows of a unit follow each other: most begin where the one before ended.
        let mut before = (f64::NAN, 0);
        let of_row = |row| {
            let stratum = rows.stratum_of(row);
            if ruler.is_none_or(|ruler| ruler.stratum != stratum) {
                let found = self.rulers.binary_search_by_key(&stratum, |ruler| ruler.stratum);
                ruler = found.ok().map(|found| &self.rulers[found]);
                before.0 = f64::NAN;
            }
            let Some(ruler) = ruler else { return (0, 0) };
            let (entry, exit) = (rows.entry[row], rows.exit[row]);
            let first =
                if same(entry, before.0) { before.1 } else { ruler.passed(&self.times, entry) };
            before = (exit, ruler.passed(&self.times, exit));
            (first, before.1)
        };
        (0..rows.exit.len()).map(of_row).collect()
    }
}

impl Ruler {
    /// Of ascending times that begin at `from` of the sequence, two intervals for each on average.
    fn new(stratum: u32, times: &[f64], from: usize) -> Self {
        let intervals = 2 * times.len();
        let (start, last) = (times[0], times[times.len() - 1]);
        let intervals_per_time = intervals as f64 / (last - start);
        let mut ruler = Self { stratum, start, intervals_per_time, from: vec![0; intervals + 1] };
        for time in times {
            let interval = ruler.interval(*time);
            ruler.from[interval + 1] += 1;
        }
        let mut passed = from as u32;
        for count in &mut ruler.from {
            passed += *count;
            *count = passed;
        }
        ruler
    }

    /// The interval of a time, outside the ruler the nearest. Rounding may move a time by an interval,
    /// but never past another time.
    fn interval(&self, time: f64) -> usize {
        let intervals = (time - self.start) * self.intervals_per_time;
        (intervals as usize).min(self.from.len() - 2)
    }

    /// The position after the last event time that is not after `by`.
    fn passed(&self, times: &[f64], by: f64) -> u32 {
        let interval = self.interval(by);
        let (from, to) = (self.from[interval], self.from[interval + 1]);
        let near = &times[from as usize..to as usize];
        from + near.partition_point(|time| *time <= by) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ruler_finds_what_a_search_does() {
        let curves: [fn(f64) -> f64; 5] =
            [|u| u, |u| u.exp(), |u| -1.0 / (1.0 + u), |u| 1e300 * (u - 20.0), |u| 1e-310 * u];
        for curve in curves {
            for n in 1..50 {
                let times: Vec<f64> = (0..n).map(|i| curve(f64::from(i))).collect();
                let ruler = Ruler::new(0, &times, 0);
                for i in -8..4 * n + 8 {
                    let by = curve(0.25 * f64::from(i));
                    let expected = times.partition_point(|time| *time <= by);
                    assert_eq!(ruler.passed(&times, by) as usize, expected, "{by} in {times:?}");
                }
            }
        }
    }
}
