//! Every command of docs/crm.md is run, and every link in it is opened, in the page's order.

use std::path::Path;

use super::link::{self, is_installed, shell};
use super::verb::prompter;
use crate::support::Home;

#[test]
fn every_command_and_link_of_the_crm_page_works() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/crm.md");
    let page = std::fs::read_to_string(page).expect("docs/crm.md");
    let home = Home::new();
    let mut term = prompter(&home, &[]);
    let (mut commands, mut links) = (0, 0);
    for block in page.split("\n```").skip(1).step_by(2) {
        let (language, block) = block.split_once('\n').expect("a block");
        for line in block.lines() {
            if language == "text" {
                // A link on the page is one that the browser opens.
                link::open(&home, line).status(0).err_is("");
                term.shows("▐PLN Mobile▌");
                links += 1;
            } else if line.starts_with("penutup link open ") {
                shell(&home, line);
                let is_named = line.contains("nama=");
                term.shows(if is_named { "N Siti Aminah dari tautan: konfirmasi" } else { "▐PLN Mobile▌" });
                commands += 1;
            } else if is_installed("xdg-mime") {
                shell(&home, line);
                commands += 1;
            }
            // The next start comes with the next call.
            if line.contains("event=start") {
                term.rest().send("s").shows("Closing lengkap");
            }
        }
    }
    assert!(links == 2 && commands >= 1, "{links} {commands}");
    term.quits();
    assert!(home.penutup(["report", "--call", "3f0c2a@pbx"]).ok().contains("3f0c2a@pbx"));
}
