//! Instants in universal time, and the forms of `-until`.

use std::fmt;

use chrono::{DateTime, Datelike, NaiveDate, SecondsFormat, Timelike};

use super::error::{Error, Result};

/// An instant: seconds since 1970-01-01 00:00:00 UT (negative before) and nanoseconds after that
/// second (0 to 999,999,999).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp {
    /// Whole seconds, rounded down.
    pub seconds: i64,
    /// The rest, below one second.
    pub nanos: u32,
}

impl Timestamp {
    /// The beginning of a second of the calendar; nothing when there is no such second.
    pub fn from_date(date: (i32, u32, u32), time: (u32, u32, u32)) -> Option<Self> {
        let day = NaiveDate::from_ymd_opt(date.0, date.1, date.2)?;
        let instant = day.and_hms_opt(time.0, time.1, time.2)?;
        Some(Self { seconds: instant.and_utc().timestamp(), nanos: 0 })
    }

    /// RFC 3339 with nanoseconds, in universal time: `2024-01-31T23:59:59.000000001Z`. That form
    /// has years of four digits; any other instant is `@SECONDS.NANOSECONDS`, as they are here.
    pub fn to_rfc3339(self) -> String {
        match DateTime::from_timestamp(self.seconds, self.nanos) {
            Some(instant) if (0..=9999).contains(&instant.year()) => {
                instant.to_rfc3339_opts(SecondsFormat::Nanos, true)
            }
            _ => format!("@{}.{:09}", self.seconds, self.nanos),
        }
    }
}

impl fmt::Display for Timestamp {
    /// `YYYY-MM-DD HH:MM:SS` in universal time; `@SECONDS` beyond the calendar.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(instant) = DateTime::from_timestamp(self.seconds, 0) else {
            return write!(f, "@{}", self.seconds);
        };
        let (year, month, day) = (instant.year(), instant.month(), instant.day());
        let (hour, minute, second) = (instant.hour(), instant.minute(), instant.second());
        write!(f, "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

/// Which state of the archive is meant: the argument of `-until`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Until {
    /// The newest.
    #[default]
    Latest,
    /// After this many updates; 0 is the empty archive.
    Version(u64),
    /// This many updates before the newest.
    Before(u64),
    /// Whatever was committed at or before this second.
    Date(i64),
}

/// Numbers with more digits than this are dates.
const VERSION_DIGITS_MAX: usize = 7;

impl Until {
    /// Reads a version number, a negative one, or a date in any of the manual's forms.
    pub fn parse(text: &str) -> Result<Self> {
        let trimmed = text.trim();
        let (negative, rest) = match trimmed.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, trimmed),
        };
        let digits = digits_of(rest)
            .ok_or_else(|| wrong(text, "it is neither a date nor a version number"))?;
        if digits.is_empty() {
            return Err(wrong(text, "it holds no number"));
        }
        if digits.len() > VERSION_DIGITS_MAX {
            if negative {
                return Err(wrong(text, "a date cannot be negative"));
            }
            return Ok(Self::Date(date_of(text, &digits)?));
        }
        // 2014/4/30 would become version 2014430: a slip, not a wish.
        if rest.trim_matches(|c: char| !c.is_ascii_digit()).contains(['/', '-', ':']) {
            return Err(wrong(text, "a date has a year of 4 digits, month and day of 2 each"));
        }
        let version = number(&digits);
        Ok(if negative { Self::Before(version.into()) } else { Self::Version(version.into()) })
    }
}

/// The digits of a date or number without what is there for readability; nothing when something
/// else than punctuation, spaces, or the `T` and `Z` of ISO 8601 is between them.
fn digits_of(text: &str) -> Option<Vec<u8>> {
    let text = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let mut digits = Vec::new();
    for character in text.chars() {
        match character {
            '0'..='9' => digits.push(character as u8),
            // The date is complete where ISO 8601 has its T.
            'T' | 't' if digits.len() == 8 => {}
            _ if character.is_ascii_punctuation() || character.is_whitespace() => {}
            _ => return None,
        }
    }
    Some(digits)
}

/// The second that 8, 10, 12 or 14 digits name; the last one of the day, hour or minute when less
/// than 14 are given.
fn date_of(text: &str, digits: &[u8]) -> Result<i64> {
    if !matches!(digits.len(), 8 | 10 | 12 | 14) {
        return Err(wrong(
            text,
            format_args!("a date has 8, 10, 12 or 14 digits, not {}", digits.len()),
        ));
    }
    let year = number(&digits[..4]);
    let field = |at: usize, otherwise: u32| digits.get(at..at + 2).map_or(otherwise, number);
    let (month, day) = (field(4, 0), field(6, 0));
    let (hour, minute, second) = (field(8, 23), field(10, 59), field(12, 59));
    for (name, value, least, most) in [
        ("year", year, 1900, 2999),
        ("month", month, 1, 12),
        ("day", day, 1, 31),
        ("hour", hour, 0, 23),
        ("minute", minute, 0, 59),
        ("second", second, 0, 59),
    ] {
        if value < least || value > most {
            let cause = format_args!("the {name} {value:02} is not within {least:02} to {most:02}");
            return Err(wrong(text, cause));
        }
    }
    // A year of four digits fits into any integer.
    let years = i32::try_from(year).unwrap_or(i32::MAX);
    Timestamp::from_date((years, month, day), (hour, minute, second))
        .map(|instant| instant.seconds)
        .ok_or_else(|| wrong(text, format_args!("month {month:02} of {year} has no day {day:02}")))
}

/// The value of a few ASCII digits.
fn number(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |value, digit| value * 10 + u32::from(digit - b'0'))
}

fn wrong(text: &str, cause: impl fmt::Display) -> Error {
    Error::usage(format!("-until {}", text.escape_debug())).because(format_args!(
        "{cause}; the right form is YYYY-MM-DD[ HH[:MM[:SS]]], a version number or -N"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn second(date: (i32, u32, u32), time: (u32, u32, u32)) -> Until {
        Until::Date(Timestamp::from_date(date, time).unwrap().seconds)
    }

    #[test]
    fn versions_and_dates_are_told_apart_by_their_digits() {
        let april = (2014, 4, 30);
        for (text, meaning) in [
            ("0", Until::Version(0)),
            ("3", Until::Version(3)),
            (" 1,000 ", Until::Version(1000)),
            ("9999999", Until::Version(9_999_999)),
            ("-1", Until::Before(1)),
            ("-0", Until::Before(0)),
            ("20140430", second(april, (23, 59, 59))),
            ("2014/04/30", second(april, (23, 59, 59))),
            ("2014-04-30 11", second(april, (11, 59, 59))),
            ("2014/04/30 11:30", second(april, (11, 30, 59))),
            ("2014.04.30, 11:30:05", second(april, (11, 30, 5))),
            ("20140430113005", second(april, (11, 30, 5))),
            ("2014-04-30T11:30:05Z", second(april, (11, 30, 5))),
            ("19000101", second((1900, 1, 1), (23, 59, 59))),
            ("29991231235959", second((2999, 12, 31), (23, 59, 59))),
            ("20240229", second((2024, 2, 29), (23, 59, 59))),
        ] {
            assert_eq!(Until::parse(text).unwrap(), meaning, "{text}");
        }
    }

    #[test]
    fn an_impossible_date_names_its_field() {
        for (text, part) in [
            ("", "no number"),
            ("-", "no number"),
            ("yesterday", "neither"),
            ("2014T0430", "neither"),
            ("10000000", "year 1000"),
            ("18991231", "year 1899"),
            ("30000101", "year 3000"),
            ("2014/13/01", "month 13"),
            ("2014/00/01", "month 00"),
            ("2014/01/32", "day 32"),
            ("2014/01/00", "day 00"),
            ("2023-02-29", "month 02 of 2023 has no day 29"),
            ("2014/04/30 24", "hour 24"),
            ("2014/04/30 11:60", "minute 60"),
            ("2014/04/30 11:30:60", "second 60"),
            ("2014/4/30", "month and day of 2"),
            ("2014/04/30 1", "not 9"),
            ("201404301130591", "not 15"),
            ("-20140430", "negative"),
        ] {
            let error = Until::parse(text).unwrap_err();
            assert_eq!(error.kind(), super::super::error::ErrorKind::Usage, "{text}");
            let told = error.to_string();
            assert!(told.contains(part) && told.contains("the right form is"), "{text}: {told}");
        }
    }

    #[test]
    fn rfc_3339_has_every_nanosecond_and_years_of_four_digits() {
        for (seconds, nanos, shown) in [
            (0, 0, "1970-01-01T00:00:00.000000000Z"),
            (-1, 999_999_999, "1969-12-31T23:59:59.999999999Z"),
            (1_398_857_459, 7, "2014-04-30T11:30:59.000000007Z"),
            (-62_167_219_200, 0, "0000-01-01T00:00:00.000000000Z"),
            (-62_167_219_201, 5, "@-62167219201.000000005"),
            (253_402_300_799, 0, "9999-12-31T23:59:59.000000000Z"),
            (253_402_300_800, 0, "@253402300800.000000000"),
            (i64::MIN, 1, "@-9223372036854775808.000000001"),
        ] {
            assert_eq!(Timestamp { seconds, nanos }.to_rfc3339(), shown);
        }
    }

    #[test]
    fn an_instant_is_shown_in_universal_time_and_never_panics() {
        for (seconds, shown) in [
            (0, "1970-01-01 00:00:00"),
            (-1, "1969-12-31 23:59:59"),
            (1_398_857_459, "2014-04-30 11:30:59"),
            (253_402_300_800, "10000-01-01 00:00:00"),
            (-62_167_219_200, "0000-01-01 00:00:00"),
            (-62_167_219_201, "-001-12-31 23:59:59"),
            (i64::MAX, "@9223372036854775807"),
            (i64::MIN, "@-9223372036854775808"),
        ] {
            assert_eq!(Timestamp { seconds, nanos: 7 }.to_string(), shown);
        }
    }
}
