//! The JSON Schema of suite files, for editors and for `dualstack schema`.

use schemars::{Schema, json_schema};

use super::names::areas;
use crate::{check::REGISTRY, suite::Suite};

/// The JSON Schema of a suite file.
pub fn schema() -> Schema {
    let mut schema = schemars::schema_for!(Suite);
    if let Some(checks) = schema.pointer_mut("/properties/checks").and_then(|it| it.as_object_mut())
    {
        checks.insert("minItems".to_owned(), 1.into());
        checks.insert("items".to_owned(), json_schema!({ "oneOf": names() }).into());
    }
    schema
}

/// What may be named: ids and areas, each with its text, in the registry's order.
fn names() -> Vec<Schema> {
    let areas = areas().into_iter();
    let areas = areas.map(|area| (area.to_owned(), format!("every check of the area {area}")));
    let checks =
        REGISTRY.iter().map(|check| (check.id().to_owned(), check.promise().summary.to_owned()));
    areas
        .chain(checks)
        .map(|(name, description)| json_schema!({ "const": name, "description": description }))
        .collect()
}
