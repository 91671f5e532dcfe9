//! The entry point: arguments → verb → exit status.

use std::process::ExitCode;

fn main() -> ExitCode {
    penutup::cli::run(std::env::args_os())
}
