//! The `groupgate` binary: the command line, and nothing else.

use std::process::ExitCode;

use mimalloc::MiMalloc;

/// A ready answer is little but allocations, and the line that is logged of it is freed by another
/// thread.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    groupgate::cli::main()
}
