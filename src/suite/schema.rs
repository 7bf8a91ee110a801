//! The JSON Schema of suite files, for editors and for `dualstack schema`.

use schemars::{Schema, SchemaGenerator, json_schema};

use super::Suite;
use crate::check::REGISTRY;

/// The JSON Schema of a suite file.
pub fn schema() -> Schema {
    schemars::schema_for!(Suite)
}

/// The schema of the list of checks: ids and areas, each with its text, in the registry's order.
pub(super) fn checks(_: &mut SchemaGenerator) -> Schema {
    let names = super::load::areas()
        .into_iter()
        .map(|area| (area.to_owned(), format!("every check of the area {area}")))
        .chain(REGISTRY.iter().map(|check| (check.id().to_owned(), check.summary().to_owned())));
    let one_of: Vec<Schema> = names
        .map(|(name, description)| json_schema!({ "const": name, "description": description }))
        .collect();
    json_schema!({ "type": "array", "minItems": 1, "items": { "oneOf": one_of } })
}
