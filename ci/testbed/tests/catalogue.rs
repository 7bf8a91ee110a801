//! The README's tables are those that the code gives.
#![cfg(test)]

use std::{fs, path::Path};

use testbed::catalogue;

/// Set to 1, it makes the test write the tables instead of comparing them.
const REWRITE: &str = "TESTBED_REWRITE";

/// Where a table ends.
const END: &str = "<!-- end of the table -->\n";

#[test]
fn the_readme_has_the_tables_that_the_code_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let before = fs::read_to_string(&path).unwrap();
    let mut after = before.clone();
    for section in catalogue::sections() {
        let name = section.name;
        let begin = format!("<!-- `cargo testbed catalogue` gives this table: {name} -->\n");
        let (head, rest) = after.split_once(&begin).expect(name);
        let (_, tail) = rest.split_once(END).expect(name);
        after = format!("{head}{begin}\n{}\n{END}{tail}", section.table);
    }
    if std::env::var(REWRITE).is_ok_and(|value| value == "1") {
        fs::write(&path, after).unwrap();
    } else {
        assert!(
            before == after,
            "the tables in {} are stale: `{REWRITE}=1 cargo test -p testbed --test catalogue` \
             writes them anew",
            path.display()
        );
    }
}
