//! Parsers of durations, times of day, offsets and zone ids.

use std::time::Duration;

use chrono::FixedOffset;

/// Letters, digits and `-`, at most 12: the header displays it.
pub fn is_zone_id(id: &str) -> bool {
    (1..=12).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
}

/// "12h", "90m", "2d", "1h30m"; from one minute to 31 days.
pub fn duration(text: &str) -> Option<Duration> {
    let (mut total, mut number) = (0u64, None::<u64>);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = Some(number.unwrap_or(0).checked_mul(10)?.checked_add(u64::from(digit))?);
            continue;
        }
        let unit = match c {
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => return None,
        };
        total = total.checked_add(number.take()?.checked_mul(unit)?)?;
    }
    (number.is_none() && (60..=31 * 86_400).contains(&total)).then(|| Duration::from_secs(total))
}

/// "HH:MM" → the minute of the day.
pub fn minute_of_day(text: &str) -> Option<u16> {
    let (hours, minutes) = two_numbers(text)?;
    (hours < 24).then_some(hours * 60 + minutes)
}

/// "+07:00" → the offset; from −12:00 to +14:00.
pub fn zone_offset(text: &str) -> Option<FixedOffset> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = two_numbers(rest)?;
    let minutes = sign * (i32::from(hours) * 60 + i32::from(minutes));
    (-12 * 60..=14 * 60).contains(&minutes).then(|| FixedOffset::east_opt(minutes * 60))?
}

fn two_numbers(text: &str) -> Option<(u16, u16)> {
    let (left, right) = text.split_once(':')?;
    let number =
        |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| part.parse::<u16>().ok())?;
    let (left, right) = (number(left)?, number(right)?);
    (right < 60).then_some((left, right))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units_and_bounds() {
        assert_eq!(duration("12h"), Some(Duration::from_secs(43_200)));
        assert_eq!(duration("1h30m"), Some(Duration::from_secs(5400)));
        for bad in ["", "12", "h", "12 h", "0h", "1s", "99999999999999999999h", "32d", "-1h", "1h5"] {
            assert_eq!(duration(bad), None, "{bad}");
        }
    }

    #[test]
    fn times_and_offsets_are_strict() {
        assert_eq!(minute_of_day("23:59"), Some(1439));
        for bad in ["24:00", "1:00", "12:60", "12.30", "", "+1:00", "12:00:00"] {
            assert_eq!(minute_of_day(bad), None, "{bad}");
        }
        assert_eq!(zone_offset("+07:00"), FixedOffset::east_opt(25_200));
        assert_eq!(zone_offset("-09:30"), FixedOffset::west_opt(34_200));
        for bad in ["07:00", "+7:00", "+15:00", "-13:00", "+07:60", "Z", ""] {
            assert_eq!(zone_offset(bad), None, "{bad}");
        }
    }
}
