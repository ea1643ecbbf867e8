//! `hosts`.

use std::ffi::OsString;

use crate::hosts::WayIn;

/// `hosts`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  double-trouble hosts -- double-trouble failover --target loadgen/targets/hosts/bazaar.toml
  double-trouble hosts --by nsenter --by ssh -- ./a-script
  double-trouble hosts -- sh                      look around: ip address, /run/double-trouble/to n1 ip address

Hosts are network namespaces of this machine on a bridge of their own: n1 has the address 10.77.0.1, n2 10.77.0.2 and so
on, and the command runs beside them, as 10.77.0.254, with no way out to other networks. `/run/double-trouble/to n1 COMMAND` runs a
command on n1: the connect command for a target's file. Without root they are in a user namespace. Whatever
ends the command or this program, nothing of them is left, but for a folder in TMPDIR if this program is killed.

Needs iproute2, and openssh-server for ssh. The exit code is the command's; another than 0 to 3 becomes 3.")]
pub struct Hosts {
    /// How many hosts
    #[arg(long, value_name = "N", default_value_t = Self::COUNT, value_parser = clap::value_parser!(u8).range(1..=50))]
    pub count: u8,
    /// How they are reached; given twice the command is run once for each way, and one that needs what is not there is
    /// left out
    #[arg(long, value_enum, default_values_t = [WayIn::default()])]
    pub by: Vec<WayIn>,
    /// What runs among them
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

impl Hosts {
    /// How many hosts there are if nobody says.
    pub(crate) const COUNT: u8 = 5;
}
