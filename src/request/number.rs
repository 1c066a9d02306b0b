//! Whole numbers as JSON spells them: an optional minus, digits, no leading zero, no plus, no fraction, no exponent.

use std::str::FromStr;

/// Reads a whole number; `None` when it is spelled otherwise or does not fit the wanted range.
pub(super) fn whole<T: FromStr>(text: &str) -> Option<T> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let canonical = digits == "0" || !digits.starts_with('0');
    if digits.is_empty() || !canonical || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_spellings_are_refused() {
        for text in ["", "-", "+1", "01", "-01", "1.0", "1e3", "0x1", " 1", "1 ", "١", "1_000", "--1"] {
            assert_eq!(whole::<i64>(text), None, "{text}");
        }
        assert_eq!(whole::<u8>("256"), None);
        assert_eq!(whole::<u8>("-1"), None);
        assert_eq!(whole::<i64>("9223372036854775808"), None);
    }

    #[test]
    fn decimal_numbers_are_read() {
        assert_eq!(whole::<i64>("-1"), Some(-1));
        assert_eq!(whole::<u64>("18446744073709551615"), Some(u64::MAX));
        assert_eq!(whole::<i64>("0"), Some(0));
    }
}
