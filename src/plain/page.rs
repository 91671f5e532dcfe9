//! A panel as sentences.

use super::sentence;
use crate::pages::{Page, Part};
use crate::words::Words;

/// A panel's lines.
pub fn lines(page: &Page, words: &Words) -> Vec<String> {
    let mut out = vec![sentence(&page.title)];
    out.extend(page.parts.iter().filter_map(|part| part_line(part, words)));
    out
}

fn part_line(part: &Part, words: &Words) -> Option<String> {
    let headed = |heading: &str, text: &str| {
        if heading.is_empty() { sentence(text) } else { sentence(&format!("{heading}: {text}")) }
    };
    Some(match part {
        Part::Gap => return None,
        Part::Entry(heading, text) => headed(heading, text),
        Part::Heading(heading) => sentence(&format!("{heading}:")),
        Part::Marked(heading, runs) => {
            let text: Vec<&str> = runs.iter().map(|run| run.text.as_str()).collect();
            headed(heading, &text.join(" "))
        }
        Part::Paragraph(text) => sentence(text),
        Part::Hours(heading, first, counts) => {
            let hours = counts
                .iter()
                .zip(*first..)
                .filter(|(count, _)| **count > 0)
                .map(|(count, hour)| words.plain.hour(count, format!("{hour:02}")));
            headed(heading, &hours.collect::<Vec<_>>().join(", "))
        }
    })
}
