//! Opening hours: when business can happen, and a monotone map of time onto them.

use chrono::{DateTime, Datelike, Days, NaiveDate, Offset, TimeZone, Utc, Weekday};

use super::{Calendar, Instant};

const MICROS_PER_MINUTE: i64 = 60_000_000;
const MICROS_PER_DAY: i64 = 24 * 60 * MICROS_PER_MINUTE;
const MICROS_PER_WEEK: i64 = 7 * MICROS_PER_DAY;

/// Mondays before and after which weeks are taken to have no holidays and no clock changes.
const FIRST_YEAR: i32 = 1970;
const LAST_YEAR: i32 = 2100;

/// Working days, hours and holidays of a business, in local time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpeningHours {
    /// By weekday from Monday.
    open_days: [bool; 7],
    /// Local hours, `opens < closes <= 24`.
    hours: (u8, u8),
    /// Ascending, without repetition.
    holidays: Vec<NaiveDate>,
}

impl OpeningHours {
    /// Business on `days`, from the first of `hours` to the second \[hours of the local day\],
    /// except on `holidays`.
    ///
    /// - Returns `None` without a day, or when the hours are not `opens < closes <= 24`.
    ///
    /// # Examples
    ///
    /// ```
    /// use chrono::Weekday;
    /// use rvq::time::OpeningHours;
    ///
    /// assert!(OpeningHours::new(&[Weekday::Mon], (8, 18), &[]).is_some());
    /// assert!(OpeningHours::new(&[Weekday::Mon], (18, 8), &[]).is_none());
    /// ```
    pub fn new(days: &[Weekday], hours: (u8, u8), holidays: &[NaiveDate]) -> Option<Self> {
        let mut open_days = [false; 7];
        for day in days {
            open_days[day.num_days_from_monday() as usize] = true;
        }
        let mut holidays = holidays.to_vec();
        holidays.sort_unstable();
        holidays.dedup();
        let valid = !days.is_empty() && hours.0 < hours.1 && hours.1 <= 24;
        valid.then_some(Self { open_days, hours, holidays })
    }

    /// Working days, Monday first.
    pub fn days(&self) -> impl Iterator<Item = Weekday> + '_ {
        (0..7_u8)
            .filter(|&day| self.open_days[usize::from(day)])
            .filter_map(|day| Weekday::try_from(day).ok())
    }

    /// First and last hour of a working day \[hours of the local day\].
    pub fn hours(&self) -> (u8, u8) {
        self.hours
    }

    /// Days without business, ascending.
    pub fn holidays(&self) -> &[NaiveDate] {
        &self.holidays
    }

    fn is_open(&self, date: NaiveDate) -> bool {
        self.open_days[date.weekday().num_days_from_monday() as usize]
            && self.holidays.binary_search(&date).is_err()
    }
}

/// One local week, from Monday midnight on.
#[derive(Debug, Clone, Copy)]
struct Week {
    /// Monday midnight \[µs since the epoch\].
    start: i64,
    /// Length; 7 days but for changes of the clock \[minutes\].
    minutes: Divisor,
    /// Days with business, and which: the n-th open day is `days[n]`.
    open_days: i64,
    /// Time with business \[minutes\].
    open_minutes: i64,
    days: [u8; 7],
    /// Days with business before each day of the week, and before the next week.
    before: [u8; 8],
    /// First opening of this or the next open week \[µs since the epoch\].
    opening: i64,
    /// Start of the closed weeks that map to that opening too, or of this week if there are none
    /// \[µs since the epoch\].
    opening_from: i64,
}

/// A number that is often divided by.
#[derive(Debug, Clone, Copy)]
struct Divisor {
    value: i64,
    reciprocal: f64,
}

impl Divisor {
    fn new(value: i64) -> Self {
        Self { value, reciprocal: (value as f64).recip() }
    }

    /// Quotient (below 2⁵⁰) and remainder of `0 <= dividend < 2⁵³`, exactly.
    #[inline]
    fn divide(self, dividend: i64) -> (i64, i64) {
        // Beside 1.5·2⁵² a number's last bit is worth 1: its bits then end in the rounded number.
        const ANCHOR: f64 = 6_755_399_441_055_744.0;
        let guess = (dividend as f64 * self.reciprocal + ANCHOR).to_bits() as i64;
        // At most one off, and then the remainder shows it.
        let guess = guess - ANCHOR.to_bits() as i64;
        let left = dividend - guess * self.value;
        let correction = i64::from(left >= self.value) - i64::from(left < 0);
        (guess + correction, left - correction * self.value)
    }
}

/// A monotone map of raw time, in which waits are drawn, onto opening hours.
///
/// ```text
/// share x of a week elapsed  →  the instant at which share x of its open time has passed
/// ```
///
/// The rate of interactions per week is kept and their order too, while all of them fall into
/// opening hours. Both directions are O(1). A week without an open day maps to the next opening.
/// Offsets from UTC are those at the start of a local week, in whole minutes: after a clock change
/// within a week, the rest of it is off by that change.
///
/// # Examples
///
/// ```
/// use chrono::Weekday;
/// use rvq::time::{BusinessCalendar, Calendar, OpeningHours};
///
/// let hours = OpeningHours::new(&[Weekday::Mon], (8, 18), &[]).expect("hours in order");
/// let business = BusinessCalendar::new(&hours, Calendar::UTC);
/// // Half of a week that begins on Monday 3 January 2022 is half of its only working day.
/// let wall = business.to_wall("2022-01-06T12:00:00Z".parse()?);
/// assert_eq!(wall.to_string(), "2022-01-03T13:00:00Z");
/// assert_eq!(business.to_raw(wall).to_string(), "2022-01-06T12:00:00Z");
/// # Ok::<(), rvq::time::TimeError>(())
/// ```
#[derive(Debug, Clone)]
pub struct BusinessCalendar {
    weeks: Box<[Week]>,
    /// Of a working day \[µs\].
    opens: i64,
    day_length: Divisor,
}

impl BusinessCalendar {
    /// The map for `hours` in the time zone of `calendar`.
    pub fn new(hours: &OpeningHours, calendar: Calendar) -> Self {
        let micros = |hour: u8| i64::from(hour) * 60 * MICROS_PER_MINUTE;
        let (opens, closes) = (micros(hours.hours.0), micros(hours.hours.1));
        let mut monday = monday_of(FIRST_YEAR);
        let last = monday_of(LAST_YEAR);
        let mut weeks = Vec::new();
        while monday <= last {
            weeks.push(week(hours, calendar, monday));
            monday = monday + Days::new(7);
        }
        for position in 1..weeks.len() {
            if weeks[position - 1].open_days == 0 {
                weeks[position].opening_from = weeks[position - 1].opening_from;
            }
        }
        let mut next = i64::MAX;
        for position in (0..weeks.len()).rev() {
            if let Some(after) = weeks.get(position + 1) {
                let length: i64 = after.start - weeks[position].start;
                weeks[position].minutes = Divisor::new(length / MICROS_PER_MINUTE);
            }
            if weeks[position].open_days > 0 {
                let day = i64::from(weeks[position].days[0]);
                next = weeks[position].start + day * MICROS_PER_DAY + opens;
            }
            weeks[position].opening = next;
        }
        Self { weeks: weeks.into(), opens, day_length: Divisor::new(closes - opens) }
    }

    /// The instant in opening hours for the raw instant `raw`; later for later ones.
    #[inline]
    pub fn to_wall(&self, raw: Instant) -> Instant {
        let (week, shift) = self.week_at(raw.micros());
        let elapsed = raw.micros() - shift - week.start;
        if week.open_days == 0 {
            return Instant::from_micros(week.opening + shift);
        }
        // Below 10⁴ minutes times 7·10¹¹ µs: less than 2⁵³.
        let (open, _) = week.minutes.divide(elapsed * week.open_minutes);
        let (nth, time) = self.day_length.divide(open);
        let wall = i64::from(week.days[nth as usize]) * MICROS_PER_DAY + self.opens + time;
        let latest = week.minutes.value * MICROS_PER_MINUTE - 1;
        Instant::from_micros(week.start + shift + wall.min(latest))
    }

    /// The first raw instant that is mapped to `wall` or later.
    ///
    /// So `to_wall(raw) < wall` holds exactly when `raw < to_raw(wall)`, and an instant in
    /// opening hours comes back from there and back as itself.
    pub fn to_raw(&self, wall: Instant) -> Instant {
        let (week, shift) = self.week_at(wall.micros());
        let elapsed = wall.micros() - shift - week.start;
        // A week with an hour more, when clocks go back, ends on its seventh day.
        let day = (elapsed / MICROS_PER_DAY).min(6);
        let time = elapsed - day * MICROS_PER_DAY;
        let [before, after] = [day, day + 1].map(|day| i64::from(week.before[day as usize]));
        let today = (after - before) * (time - self.opens).clamp(0, self.day_length.value);
        let open = before * self.day_length.value + today;
        if open == 0 {
            return Instant::from_micros(week.opening_from + shift);
        }
        let raw = (open * week.minutes.value + week.open_minutes - 1) / week.open_minutes;
        Instant::from_micros(week.start + shift + raw)
    }

    /// The week around `micros`, and by how much to shift it where the table has ended.
    #[inline]
    fn week_at(&self, micros: i64) -> (&Week, i64) {
        // Before the table begins, this is a very large number.
        let elapsed = (micros - self.weeks[0].start) as u64;
        let guess = (elapsed / MICROS_PER_WEEK as u64) as usize;
        let Some(week) = self.weeks.get(guess) else { return self.edge_at(micros) };
        // Offsets from UTC move the start of a week by some hours.
        if micros < week.start {
            return (&self.weeks[guess - 1], 0);
        }
        match self.weeks.get(guess + 1) {
            Some(next) if next.start <= micros => (next, 0),
            _ => (week, 0),
        }
    }

    /// The same where the table has ended or not begun.
    #[cold]
    fn edge_at(&self, micros: i64) -> (&Week, i64) {
        let last = self.weeks.len() - 1;
        let edge = &self.weeks[if micros < self.weeks[0].start { 0 } else { last }];
        (edge, (micros - edge.start).div_euclid(MICROS_PER_WEEK) * MICROS_PER_WEEK)
    }
}

fn week(hours: &OpeningHours, calendar: Calendar, monday: NaiveDate) -> Week {
    let midnight = monday.and_hms_opt(0, 0, 0).expect("midnight is a time").and_utc();
    // The offset at the same clock time of UTC: at most some hours from the start of the week.
    let offset = offset_minutes(calendar, midnight);
    let start = midnight.timestamp_micros() - offset * MICROS_PER_MINUTE;
    let (mut days, mut before) = ([0; 7], [0; 8]);
    let mut open_days = 0;
    for day in 0..7_u8 {
        if hours.is_open(monday + Days::new(u64::from(day))) {
            days[open_days] = day;
            open_days += 1;
        }
        before[usize::from(day) + 1] = open_days as u8;
    }
    let minutes = Divisor::new(MICROS_PER_WEEK / MICROS_PER_MINUTE);
    Week {
        start,
        minutes,
        open_days: open_days as i64,
        open_minutes: open_days as i64 * 60 * i64::from(hours.hours.1 - hours.hours.0),
        days,
        before,
        opening: 0,
        opening_from: start,
    }
}

fn offset_minutes(calendar: Calendar, at: DateTime<Utc>) -> i64 {
    let offset = calendar.zone.offset_from_utc_datetime(&at.naive_utc()).fix();
    i64::from(offset.local_minus_utc()).div_euclid(60)
}

/// The first Monday of `year`.
fn monday_of(year: i32) -> NaiveDate {
    let first = NaiveDate::from_ymd_opt(year, 1, 1).expect("the year is in range");
    let ahead = (7 - first.weekday().num_days_from_monday()) % 7;
    first + Days::new(u64::from(ahead))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn weekdays() -> [Weekday; 5] {
        [Weekday::Mon, Weekday::Tue, Weekday::Wed, Weekday::Thu, Weekday::Fri]
    }

    /// Monday to Friday, 8 to 18, with a holiday and a week without business.
    fn business(zone: &str) -> BusinessCalendar {
        let closed = |day| NaiveDate::from_ymd_opt(2024, 12, day).unwrap();
        let holidays: Vec<NaiveDate> = (23..=27).chain([11]).map(closed).collect();
        let hours = OpeningHours::new(&weekdays(), (8, 18), &holidays).unwrap();
        BusinessCalendar::new(&hours, Calendar::new(zone).unwrap())
    }

    fn instant(text: &str) -> Instant {
        text.parse().unwrap()
    }

    #[test]
    fn a_week_without_business_maps_to_the_next_opening_and_a_holiday_is_left_out() {
        let business = business("UTC");
        let next = instant("2024-12-30T08:00:00Z");
        for raw in ["2024-12-23T00:00:00Z", "2024-12-26T12:00:00Z", "2024-12-29T23:59:59Z"] {
            assert_eq!(business.to_wall(instant(raw)), next);
        }
        // Wednesday 11 December is closed: half of the week is half of four days, Tuesday's end,
        // which is Thursday's opening.
        let middle = business.to_wall(instant("2024-12-12T12:00:00Z"));
        assert_eq!(middle, instant("2024-12-12T08:00:00Z"));
    }

    #[test]
    fn what_comes_before_an_opening_splits_raw_time_before_the_closed_weeks_that_map_to_it() {
        let business = business("Europe/Berlin");
        let closed_from = instant("2024-12-22T23:00:00Z");
        // In the closed week, at Monday's midnight, and at the opening itself.
        for wall in ["2024-12-27T12:00:00Z", "2024-12-29T23:00:00Z", "2024-12-30T07:00:00Z"] {
            assert_eq!(business.to_raw(instant(wall)), closed_from);
        }
    }

    #[test]
    fn business_is_in_local_hours_across_a_clock_change() {
        let business = business("Europe/Berlin");
        // The week before and the week after 31 March 2024: 8 o'clock is 07:00Z, then 06:00Z.
        assert_eq!(
            business.to_wall(instant("2024-03-24T23:00:00Z")),
            instant("2024-03-25T07:00:00Z")
        );
        assert_eq!(
            business.to_wall(instant("2024-03-31T22:00:00Z")),
            instant("2024-04-01T06:00:00Z")
        );
    }

    proptest! {
        #[test]
        fn a_divisor_divides_exactly(
            value in 1_i64..100_000_000_000, quotient in 0_i64..1 << 40, left in any::<u64>(),
        ) {
            let value = value.min((1 << 52) / (quotient + 1)).max(1);
            for left in [0, value - 1, (left % value as u64) as i64] {
                let dividend = quotient * value + left;
                prop_assert_eq!(Divisor::new(value).divide(dividend), (quotient, left));
            }
        }

        #[test]
        fn order_is_kept_and_the_inverse_is_exact(
            raw in 1_600_000_000_000_000_i64..1_800_000_000_000_000,
            ahead in 0_i64..2_000_000_000_000,
            zone in prop::sample::select(vec!["UTC", "Europe/Berlin", "America/New_York"]),
        ) {
            let business = business(zone);
            let (raw, later) = (Instant::from_micros(raw), Instant::from_micros(raw + ahead));
            let wall = business.to_wall(raw);
            prop_assert!(wall <= business.to_wall(later));
            prop_assert_eq!(business.to_wall(business.to_raw(wall)), wall);
            // `to_raw` of any instant splits raw time at it.
            let split = business.to_raw(later);
            prop_assert!(business.to_wall(split) >= later);
            let before = Instant::from_micros(split.micros() - 1);
            prop_assert!(business.to_wall(before) < later);
            prop_assert_eq!(wall < later, raw < split);
        }

        #[test]
        fn every_wall_instant_is_in_opening_hours(
            raw in 1_600_000_000_000_000_i64..1_800_000_000_000_000,
        ) {
            let wall = business("UTC").to_wall(Instant::from_micros(raw));
            let local = DateTime::<Utc>::from_timestamp_micros(wall.micros()).unwrap();
            prop_assert!(local.weekday().num_days_from_monday() < 5);
            let of_day = wall.micros().rem_euclid(MICROS_PER_DAY);
            prop_assert!((8..18).contains(&(of_day / (60 * MICROS_PER_MINUTE))));
        }
    }
}
