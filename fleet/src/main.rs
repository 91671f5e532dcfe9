//! Arguments → verb → exit status.

fn main() -> std::process::ExitCode {
    penutup_fleet::cli::main()
}
