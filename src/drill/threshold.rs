//! The threshold of an exam, counted in cards.

/// How many of `cards` must be right for this percentage: the smallest whole number that reaches it.
pub fn needed(pass: u8, cards: usize) -> usize {
    (usize::from(pass) * cards).div_ceil(100)
}

/// The fewest cards with which this percentage allows a wrong card: with fewer, 90 % would mean 100 %.
///
/// Of `n` cards one may be wrong if `(n - 1) / n` reaches the percentage, so `n >= 100 / (100 - pass)`. At 100 % no card
/// may be wrong, whatever their number: 1.
pub fn least_cards(pass: u8) -> usize {
    match 100_usize.saturating_sub(pass.into()) {
        0 => 1,
        allowed => 100_usize.div_ceil(allowed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_least_deck_is_the_first_one_in_which_the_percentage_allows_a_wrong_card() {
        for pass in 1..=99 {
            let allows_one = |cards: usize| (cards - 1) * 100 >= usize::from(pass) * cards;
            assert_eq!((1..=100).find(|cards| allows_one(*cards)), Some(least_cards(pass)), "{pass}");
            for cards in 1..200 {
                let first = (0..=cards).find(|right| right * 100 >= usize::from(pass) * cards);
                assert_eq!(first, Some(needed(pass, cards)), "{pass} of {cards}");
            }
        }
        assert_eq!((least_cards(90), least_cards(99), least_cards(80), least_cards(50)), (10, 100, 5, 2));
        assert_eq!((least_cards(100), needed(100, 7), needed(90, 10), needed(90, 8)), (1, 7, 9, 8));
    }
}
