//! A long shift: three prompters at once, each through calls at a person's pace, compressed, while rules, KLB, presses, window
//! sizes and suspends come from outside. The second one's disk fills up and empties; the third one's clock is set again and again.
//!
//! ```sh
//! cargo bench --bench soak -- --minutes 60
//! ```
//!
//! 60 minutes have 5,000 calls, 1,000 rules files, 500 declarations of KLB and 2,000 `penutup press`, for each prompter. The
//! driver keeps its own book; at the end the journal must hold each call exactly once and as the driver took it. What is sampled on
//! the way must not grow, and a key must take as long as in a prompter that was just opened. `--program PATH` takes another
//! `penutup` than the one that Cargo built, so that a build meanwhile disturbs nothing (no static one: it ignores the library that
//! sets the clock). `--seat` runs one of the three: `plain`, `full-disk`, `set-clock`.
//!
//! Without `--bench`, as `cargo test --benches` starts it, there are a few calls and no bounds. Left out: the kernel's report that the
//! clock was set, which needs the machine's own clock.

#[cfg(target_os = "linux")]
#[path = "support/soak/run.rs"]
mod run;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    run::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
