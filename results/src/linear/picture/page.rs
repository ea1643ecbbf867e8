//! The page around the drawing: what is wrong in words, and the order as a table.

use std::fmt::{self, Write};

use super::drawing::{Drawing, Role, Shown};
use super::lanes;
use super::scene::Scene;
use super::words::{Escaped, milliseconds};
use crate::linear::model::Model;
use crate::text::counted;

/// Colours are Okabe and Ito's, as in the charts.
const STYLE: &str = include_str!("style.css");

pub(super) fn render<M: Model>(scene: &Scene<'_, M>, drawing: &Drawing<M>) -> String {
    let mut page = String::new();
    // Writing to a string cannot fail.
    let _ = write_page(&mut page, scene, drawing);
    page
}

fn write_page<M: Model>(
    page: &mut String,
    scene: &Scene<'_, M>,
    drawing: &Drawing<M>,
) -> fmt::Result {
    let (name, trial) = (Escaped(&scene.name), Escaped(&scene.trial));
    write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{name}: not linearizable ({trial})</title>\n<style>\n{STYLE}</style>\n</head>\n\
         <body>\n<main>\n<h1>{name}: no order explains every answer</h1>\n\
         <p class=\"where\">{trial}</p>\n"
    )?;
    write_story(page, scene, drawing)?;
    lanes::write(page, scene, drawing)?;
    write_legend(page, scene, drawing)?;
    write_table(page, scene, drawing)?;
    page.write_str("</main>\n</body>\n</html>\n")
}

fn write_story<M: Model>(
    page: &mut String,
    scene: &Scene<'_, M>,
    drawing: &Drawing<M>,
) -> fmt::Result {
    let culprit = scene.explanation.culprit;
    let operation = scene.history.operations[culprit];
    let answered = milliseconds(drawing.end_us);
    let row = Escaped(&scene.sources[culprit].row);
    let (client, told) = (operation.client, M::told(operation.action));
    write!(
        page,
        "<p>Until {answered} ms everything that clients were told about this {} fits into one \
         order, the one below. Then <strong>client {client} was told that {told}</strong> \
         (<code>{row}</code>), and no order is left. ",
        M::THING
    )?;
    write!(page, "After the order below the {} has {}.", M::THING, drawing.last.figures())?;
    if !scene.nearest_fault.is_empty() {
        write!(page, " That was {}.", Escaped(&scene.nearest_fault))?;
    }
    writeln!(page, "</p>")?;

    let part = &scene.explanation.part;
    let begins = match part.anchor.and_then(|place| scene.sources.get(place)) {
        Some(source) => format!("as the read in <code>{}</code> shows it", Escaped(&source.row)),
        None => "as the run began with it".to_owned(),
    };
    let (from, required) = (part.initial.figures(), part.required.len());
    write!(page, "<p>A small part shows it by itself: begin with {from}, {begins}; then ")?;
    if required == 1 {
        page.write_str("that answer (thick borders) has no place.")?;
    } else {
        write!(page, "{required} operations (thick borders), that one among them, have no order.")?;
    }
    if !part.optional.is_empty() {
        let optional = more::<M>(part.optional.len());
        write!(
            page,
            " {optional} may have taken effect by then or not: both ways were tried, and neither \
             helps."
        )?;
    }
    writeln!(page, "</p>")
}

fn write_legend<M: Model>(
    page: &mut String,
    scene: &Scene<'_, M>,
    drawing: &Drawing<M>,
) -> fmt::Result {
    page.write_str(
        "<ul class=\"legend\">\n\
         <li><span class=\"swatch culprit\">\u{2717}</span> cannot be placed</li>\n\
         <li><span class=\"swatch key\">1:</span> step 1 of the order, needed to show it</li>\n\
         <li><span class=\"swatch placed\">2:</span> step 2 of the order</li>\n\
         <li><span class=\"swatch open\">?</span> may have taken effect; the order does without</li>\n\
         <li><span class=\"swatch band\"></span> something was broken</li>\n\
         </ul>\n",
    )?;
    let calls_us = drawing.shown.iter().map(|shown| shown.operation.call_us);
    let first_us = calls_us.min().unwrap_or_default();
    for band in scene.bands.iter().filter(|band| band.overlaps(first_us, drawing.end_us)) {
        let until = match band.to_us {
            u64::MAX => "the end".to_owned(),
            to_us => format!("{} ms", milliseconds(to_us)),
        };
        let (label, from) = (Escaped(&band.label), milliseconds(band.from_us));
        writeln!(page, "<p class=\"note\">Broken: {label}, from {from} ms to {until}.</p>")?;
    }
    writeln!(
        page,
        "\
         <p class=\"note\">A bar reaches from the request to its answer; without an answer by the \
         end it runs to the edge. {} From left to right the order of \
         moments is true, their distances are not: idle times are cut short.</p>",
        M::SHOWN
    )
}

fn write_table<M: Model>(
    page: &mut String,
    scene: &Scene<'_, M>,
    drawing: &Drawing<M>,
) -> fmt::Result {
    let steps = drawing.shown.iter().filter(|shown| shown.step.is_some()).count();
    let total = drawing.earlier + steps;
    let which = if drawing.earlier == 0 {
        counted(total as u64, "step", "steps")
    } else {
        format!("The last {steps} of {total} steps")
    };
    write!(
        page,
        "<h2>The order</h2>\n<p>{which}. Before the first of them the {thing} has {}.</p>\n\
         <div class=\"scroll-table\" tabindex=\"0\" role=\"region\" aria-label=\"The order\">\n\
         <table>\n<thead><tr><th>step</th><th>client</th><th>operation</th><th>{thing} after it</th>\
         <th>from ms</th><th>to ms</th><th>row</th><th>request</th></tr></thead>\n<tbody>\n",
        drawing.before.figures(),
        thing = M::THING,
    )?;
    for shown in &drawing.shown {
        write_row(page, scene, shown)?;
    }
    writeln!(page, "</tbody>\n</table>\n</div>")?;
    if drawing.hidden > 0 {
        let hidden = more::<M>(drawing.hidden);
        writeln!(page, "<p class=\"note\">{hidden} without an answer by then are not shown.</p>")?;
    }
    Ok(())
}

fn write_row<M: Model>(page: &mut String, scene: &Scene<'_, M>, shown: &Shown<M>) -> fmt::Result {
    let Shown { place, operation, role, step, after } = *shown;
    let (class, step, after) = match (role, step, after) {
        (Role::Culprit, ..) => ("culprit", "\u{2717}".to_owned(), "cannot be placed".to_owned()),
        (Role::Open, ..) => ("open", "?".to_owned(), "may have taken effect".to_owned()),
        (role, step, after) => (
            if role == Role::Key { "key" } else { "placed" },
            step.map(|step| step.to_string()).unwrap_or_default(),
            after.map(M::figures).unwrap_or_default(),
        ),
    };
    let source = &scene.sources[place];
    let client = match operation.client {
        0 => "by hand".to_owned(),
        client => format!("client {client}"),
    };
    let until = operation.return_us.map_or("no answer".to_owned(), milliseconds);
    writeln!(
        page,
        "<tr class=\"{class}\"><td>{step}</td><td>{client}</td><td>{}</td><td>{after}</td>\
         <td class=\"number\">{}</td><td class=\"number\">{until}</td><td><code>{}</code></td>\
         <td><code>{}</code></td></tr>",
        M::label(operation.action),
        milliseconds(operation.call_us),
        Escaped(&source.row),
        Escaped(source.request_id.as_deref().unwrap_or_default()),
    )
}

/// `3 more trades`.
fn more<M: Model>(count: usize) -> String {
    counted(count as u64, &format!("more {}", M::CHANGE), &format!("more {}s", M::CHANGE))
}
