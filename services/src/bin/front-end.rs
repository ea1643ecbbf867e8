//! The front-end's process.

use std::process::ExitCode;

use services::front_end::{self, Args, Config};
use services::process;

fn main() -> ExitCode {
    process::main(
        |args: &Args| (args.common.clone(), args.listen),
        |args, listener, secret, shutdown| async move {
            front_end::run(listener, Config::try_from(args)?, secret, shutdown).await
        },
    )
}
