//! The JSON schema of a target's file, made of the types in [`crate::file`].

use std::sync::LazyLock;

use serde_json::Value;

use crate::file::TargetFile;

/// Made once: whoever reads several files holds each to the same.
static SCHEMA: LazyLock<Value> = LazyLock::new(|| schemars::schema_for!(TargetFile).to_value());

/// The schema, for editors (`#:schema target.schema.json` in a file's first line).
#[must_use]
pub fn schema() -> String {
    // Only maps with keys that are no texts cannot be written as JSON, and a schema has none.
    serde_json::to_string_pretty(value()).unwrap_or_default() + "\n"
}

/// The same as a value.
pub(crate) fn value() -> &'static Value {
    &SCHEMA
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_of_the_file_is_described() {
        fn visit(schema: &Value, path: &str, bare: &mut Vec<String>) {
            let Value::Object(schema) = schema else { return };
            for (name, field) in
                schema.get("properties").and_then(Value::as_object).into_iter().flatten()
            {
                if field.get("description").is_none() {
                    bare.push(format!("{path}.{name}"));
                }
            }
            for (name, definition) in
                schema.get("$defs").and_then(Value::as_object).into_iter().flatten()
            {
                visit(definition, name, bare);
            }
        }
        let mut bare = Vec::new();
        visit(value(), "", &mut bare);
        assert_eq!(bare, Vec::<String>::new());
        assert!(schema().contains("\"readiness_probe\""));
    }
}
