//! The one binary.

/// Half of an import is memory taken and given back, by SQLite (whose C code takes it here as well) and by us.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    api::cli::run()
}
