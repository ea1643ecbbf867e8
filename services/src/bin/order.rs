//! The order service: one replica.

use std::process::ExitCode;

use services::order::{Args, Config, run};

fn main() -> ExitCode {
    services::process::main(
        |args: &Args| (args.common.clone(), args.listen()),
        |args, listener, secret, shutdown| async move {
            run(listener, Config::try_from(args)?, secret, shutdown).await
        },
    )
}
