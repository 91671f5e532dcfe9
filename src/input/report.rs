//! Recognises a terminal's report whose first byte was lost: it reads like text, but arrives faster than text is typed.
//! `[A`, `[<0;10;10M`, `62;c`, `]11;rgb:0000/0000/0000`, `>|XTerm(390)`, `P1+r524742`.

/// The characters that such a report may begin with and that are not keys of ours: after one, the rest is waited for.
pub fn may_begin(c: char) -> bool {
    matches!(c, '[' | ']' | 'O')
}

/// Whether a text that arrived at once is the rest of a report.
pub fn is_report(text: &str) -> bool {
    let mut chars = text.chars();
    match chars.next() {
        Some('[') => is_sequence(chars.as_str()),
        // An arrow key, and nothing after it.
        Some('O') => matches!(chars.as_str(), "A" | "B" | "C" | "D" | "F" | "H" | "M"),
        Some(']') => has_number_and(chars.as_str(), &[';']),
        Some('P') => {
            let rest = chars.as_str();
            rest.starts_with(">|")
                || has_number_and(rest, &['+', '$', '!', '|', '{'])
                || rest.starts_with(['+', '$', '!'])
        }
        Some('_') => chars.as_str().starts_with('G'),
        Some('>') if chars.as_str().starts_with('|') => true,
        _ => {
            // A sequence without its `[`: it has a prefix, or several numbers.
            let is_marked =
                text.starts_with(['<', '>', '?', '=']) || text.find(';').is_some_and(|at| is_number(&text[..at]));
            is_marked && is_sequence(text)
                || text.starts_with("rgb:")
                || text.find(";rgb:").is_some_and(|at| is_number(&text[..at]))
        }
    }
}

/// The pasted text, if a text begins with a paste marker without its first bytes.
pub fn without_paste_mark(text: &str) -> Option<&str> {
    text.strip_prefix('[').unwrap_or(text).strip_prefix("200~")
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether the text begins with an optional number and then one of these characters.
fn has_number_and(text: &str, next: &[char]) -> bool {
    let rest = text.trim_start_matches(|c: char| c.is_ascii_digit());
    rest.len() < text.len() && rest.starts_with(next)
}

/// Whether it begins with parameters and their final letter.
fn is_sequence(text: &str) -> bool {
    let rest = text.trim_start_matches(|c: char| ('\u{20}'..='\u{3f}').contains(&c));
    rest.starts_with(|c: char| ('\u{40}'..='\u{7e}').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_that_lost_their_first_byte_are_recognised() {
        for text in [
            "[A",
            "[I",
            "[O",
            "OA",
            "[1;5A",
            "[<0;10;10M",
            "[<0;10;10m[<35;11;10M",
            "<0;10;10M",
            "0;10;10M",
            "[M !!",
            "[?62;c",
            "?62;22c",
            "62;c",
            "[>41;390;0c",
            ">41;390;0c",
            "]11;rgb:0000/0000/0000",
            "11;rgb:0000/0000/0000",
            "]52;c;aGFsbw==",
            ">|XTerm(390)",
            "P>|XTerm(390)",
            "P1+r524742=38",
            "P1$r0m",
            "P!|00000000",
            "_Gi=1;OK",
            "[12;40R",
            "[8;24;80t",
            "[?2026;2$y",
            "rgb:ffff/ffff/ffff",
        ] {
            assert!(is_report(text), "{text}");
        }
    }

    #[test]
    fn names_are_not_reports() {
        for text in [
            "Bu Siti Qomariah",
            "Siti",
            "Pak Budi",
            "Puspita",
            "O'Neil",
            "Oktavia",
            "12A",
            "Jl. Mawar 3; RT 2",
            "081234567890",
            "_",
            "200~Siti Aminah",
            "H. M. Yusuf",
            "Rudi; Budi",
            "dr. Rina, Sp.A",
            "P1",
        ] {
            assert!(!is_report(text), "{text}");
        }
        assert_eq!(without_paste_mark("[200~Siti Aminah"), Some("Siti Aminah"));
        assert_eq!(without_paste_mark("200~Siti"), Some("Siti"));
        assert_eq!(without_paste_mark("Siti"), None);
    }
}
