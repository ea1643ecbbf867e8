//! `[variants]`: each names processes or roles, and one at the most is the default.

use std::collections::BTreeMap;

use super::checker::{Checker, Declared};
use super::trial;
use crate::document::join;
use crate::file::{TargetFile, VariantProcess};
use crate::target::{Change, Variant};
use crate::template::Place;

pub(super) fn check(
    checker: &mut Checker<'_>,
    file: &TargetFile,
    declared: &[Declared],
) -> Vec<Variant> {
    let mut variants: Vec<Variant> = Vec::new();
    for (key, variant) in &file.variants {
        let field = join("variants", key);
        let name = checker.name(&field, key, None);
        if let Some(other) = variants.iter().find(|other| other.default && variant.default) {
            let what = format!("`{}` is the default, too", other.name);
            checker.add(&join(&field, "default"), what, "one variant can be");
        }
        let mut changes = BTreeMap::new();
        for (who, change) in &variant.processes {
            let field = join(&field, who);
            let named: Vec<&Declared> = declared
                .iter()
                .filter(|process| process.name == *who || process.role == *who)
                .collect();
            if named.is_empty() {
                let known: Vec<String> = declared
                    .iter()
                    .flat_map(|process| [process.name.clone(), process.role.clone()])
                    .collect();
                checker.add_unknown(
                    &field,
                    "process or role",
                    who,
                    known.iter().map(String::as_str),
                );
            }
            for process in named {
                let adopted =
                    file.processes.get(&process.key).is_some_and(|given| given.adopt.is_some());
                if adopted && (change.command.is_some() || !change.args.is_empty()) {
                    let what =
                        format!("`{}` is adopted, and so has no command of ours", process.name);
                    checker.add(&field, what, "change files, or adopt.start");
                }
                changes.insert(process.name.clone(), check_one(checker, &field, change, process.n));
            }
        }
        variants.push(Variant { name, default: variant.default, changes });
    }
    variants
}

fn check_one(
    checker: &mut Checker<'_>,
    field: &str,
    change: &VariantProcess,
    n: Option<i64>,
) -> Change {
    let scope = checker.scope(Place::Trial, n);
    let of = |name: &str| format!("{field}.{name}");
    Change {
        command: change
            .command
            .as_ref()
            .map(|command| checker.command(&of("command"), command, &scope)),
        args: checker.arguments(&of("args"), &change.args, &scope),
        environment: checker.environment(&of("environment"), &change.environment, &scope),
        files: trial::files(checker, &of("files"), &change.files, n),
    }
}
