//! The catalog: owns the stocks, and decides every trade once.

use std::process::ExitCode;

use services::catalog::{self, Args, Config};
use services::process;

fn main() -> ExitCode {
    process::main(
        |args: &Args| (args.common.clone(), args.listen),
        |args, listener, secret, shutdown| async move {
            catalog::run(listener, Config::try_from(args)?, secret, shutdown).await
        },
    )
}
