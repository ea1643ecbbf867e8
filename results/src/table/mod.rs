//! One model of a table of figures, laid out as text, as HTML, as Markdown or as JSON.
//!
//! Each family of figures (operations, the cache's effects, rates, faults, their kinds, gaps, a
//! comparison) builds its table once, from its typed rows. Anybody who shows it names columns of it, and
//! lays out what is there: no figure is computed or rounded in two places.
//!
//! * [`Column`]: what a figure is called, and its unit. [`Cell`]: a value with its interval, or the
//!   reason why there is none.
//! * [`Table`]: columns and rows, as JSON has them.
//! * [`Form`]: how a value of each unit looks in a terminal and on the page.
//! * [`Pick`]: which columns a layout shows; as lines of text, and as Markdown.

mod cell;
mod column;
mod form;
mod grid;
mod layout;

pub use cell::{Basis, Cell, Missing, Value};
pub use column::{Align, Column, Unit};
pub use form::Form;
pub use grid::{Field, Row, Table};
pub use layout::Pick;
