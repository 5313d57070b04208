//! The binary.

/// Half of an import's time is allocating memory, in SQLite (whose C code uses this allocator as well) and in our code.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> std::process::ExitCode {
    api::cli::run()
}
