//! A panel as sentences.

use super::sentence;
use crate::pages::{KeyGroup, Page, Part};
use crate::words::Words;

/// A panel's lines.
pub fn lines(page: &Page, words: &Words) -> Vec<String> {
    let mut out = vec![sentence(&page.title)];
    out.extend(page.parts.iter().flat_map(|part| part_lines(part, words)));
    out
}

fn part_lines(part: &Part, words: &Words) -> Vec<String> {
    let headed = |heading: &str, text: &str| {
        if heading.is_empty() { sentence(text) } else { sentence(&format!("{heading}: {text}")) }
    };
    vec![match part {
        Part::Gap => return Vec::new(),
        Part::Keys(groups) => {
            let keys = |group: &KeyGroup| group.keys.iter().map(|(key, label)| headed(key, label)).collect::<Vec<_>>();
            return groups
                .iter()
                .flat_map(|g| std::iter::once(sentence(&format!("{}:", g.heading))).chain(keys(g)))
                .collect();
        }
        Part::Bars(bars, _) => return bars.iter().map(|(label, count)| headed(label, &count.to_string())).collect(),
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
    }]
}
