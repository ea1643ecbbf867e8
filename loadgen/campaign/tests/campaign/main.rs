//! Pages over several runs, of runs that were kept and of such that were changed in known ways.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod engines;
mod history;
mod made;
mod rounds;
