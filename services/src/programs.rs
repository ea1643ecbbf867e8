//! The three programs, each a `main` that its binary calls.
//!
//! They are here, and not in the binaries, for the sake of the build: what is generic (the server,
//! the runtime's tasks, the parser of arguments) is compiled where it is used, and a binary that
//! calls one plain function compiles nothing but that call. Three binaries with a main of their own
//! took as long as the whole library, each.

use std::process::ExitCode;

use crate::{catalog, front_end, order, process};

/// The front-end: answers clients, caches stocks, decides who leads the order service.
#[must_use]
pub fn front_end() -> ExitCode {
    process::main(
        |args: &front_end::Args| (args.common.clone(), args.listen),
        |args, listener, secret, shutdown| async move {
            front_end::run(listener, front_end::Config::try_from(args)?, secret, shutdown).await
        },
    )
}

/// The catalog: owns the stocks, and decides every trade once.
#[must_use]
pub fn catalog() -> ExitCode {
    process::main(
        |args: &catalog::Args| (args.common.clone(), args.listen),
        |args, listener, secret, shutdown| async move {
            catalog::run(listener, catalog::Config::try_from(args)?, secret, shutdown).await
        },
    )
}

/// The order service: one replica.
#[must_use]
pub fn order() -> ExitCode {
    process::main(
        |args: &order::Args| (args.common.clone(), args.listen()),
        |args, listener, secret, shutdown| async move {
            order::run(listener, order::Config::try_from(args)?, secret, shutdown).await
        },
    )
}
