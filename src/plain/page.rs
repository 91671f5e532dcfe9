//! A panel as sentences.

use super::sentence;
use crate::pages::{Page, Part};
use crate::words::Words;

/// A panel's lines.
#[must_use]
pub fn lines(page: &Page, words: &Words) -> Vec<String> {
    let mut out = vec![sentence(&page.title)];
    out.extend(page.parts.iter().filter_map(|part| told(part, words)));
    out
}

fn told(part: &Part, words: &Words) -> Option<String> {
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
            let told = counts
                .iter()
                .zip(*first..)
                .filter(|(count, _)| **count > 0)
                .map(|(count, hour)| words.plain.hour(count, format!("{hour:02}")));
            headed(heading, &told.collect::<Vec<_>>().join(", "))
        }
    })
}
