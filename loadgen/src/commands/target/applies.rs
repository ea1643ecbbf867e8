//! Which checks of a run will not apply to a target, by the facts that follow from its file.

use results::checks::requirements_of;
use targets::Target;

use crate::output::say;

/// Says them of one whose client program says that it `can` do these things, each with the facts that it lacks. A part that another stands in for is said only if neither applies.
pub(super) fn tell(target: &Target, can: &[String]) {
    let known = targets::manifest(target, can);
    let parts: Vec<_> = requirements_of(known.model()).collect();
    let mut lines = Vec::new();
    for chain in parts.chunk_by(|_, next| next.stands_in) {
        let Some(first) = chain.first() else { continue };
        if chain.iter().any(|part| known.lacks(part.facts).is_empty()) {
            continue;
        }
        let lacks: Vec<_> = known.lacks(first.facts).iter().map(|fact| fact.as_str()).collect();
        let part = if first.part.is_empty() { "" } else { ", " };
        lines.push(format!("  {}{part}{}: {}", first.check, first.part, lacks.join(" ")));
    }
    if lines.is_empty() {
        say!("Every check of a run applies.");
        return;
    }
    say!("Of a run's checks these will not apply, for want of facts that the file does not give:");
    for line in lines {
        say!("{line}");
    }
}
