//! The CSO's sheet to print: docs/cso.md as one HTML file that needs no other.

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

/// How it is printed: one sheet of A4.
const STYLE: &str = "@page{size:A4;margin:10mm 14mm}
body{font:9pt/1.3 'Segoe UI',Roboto,'Helvetica Neue',Arial,'DejaVu Sans',sans-serif;color:#000;max-width:182mm;margin:auto}
h1{font-size:15pt;margin:0 0 1mm}
p{margin:1mm 0 1.5mm}
svg{display:block;width:96mm;height:auto;margin:1.5mm auto}
table{border-collapse:collapse;table-layout:fixed;width:100%;margin:0 0 2.5mm}
th{text-align:left;border-bottom:.4mm solid #000;width:36%}
th+th{width:64%}
th:first-child:nth-last-child(4){width:17%}
th:first-child:nth-last-child(4)~th{width:33%}
th:first-child:nth-last-child(4)~th:nth-child(3){width:13%}
th:first-child:nth-last-child(4)~th:nth-child(4){width:37%}
td{border-bottom:.15mm solid #999}
th,td{padding:.4mm 2mm .4mm 0;vertical-align:top}
code{font:bold 8.4pt 'DejaVu Sans Mono',Menlo,Consolas,monospace}
";

/// The page as HTML, with its pictures embedded.
pub fn html(page: &str, picture: impl Fn(&str) -> String) -> String {
    let mut events = Vec::new();
    let mut inside = false;
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Image { dest_url, .. }) => {
                inside = true;
                events.push(Event::InlineHtml(CowStr::from(picture(&dest_url))));
            }
            Event::End(TagEnd::Image) => inside = false,
            // The alternative text for the picture.
            Event::Text(_) if inside => {}
            other => events.push(other),
        }
    }
    let title = page.lines().next().unwrap_or_default().trim_start_matches("# ");
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"id\"><head><meta charset=\"utf-8\"><title>penutup: {title}</title>\n<style>\n{STYLE}</style></head><body>\n"
    );
    html::push_html(&mut out, events.into_iter());
    out + "</body></html>\n"
}
