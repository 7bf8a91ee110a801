//! The README's tables are those that the code gives.
#![cfg(test)]

use std::{fs, path::Path};

use testbed::catalogue;

const BEGIN: &str = "<!-- `cargo testbed catalogue` writes from here -->\n\n";
const END: &str = "<!-- to here -->\n";

/// Set to 1, it makes the test write the tables instead of comparing them.
const REWRITE: &str = "TESTBED_REWRITE";

#[test]
fn the_readme_has_the_tables_that_the_code_gives() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let text = fs::read_to_string(&path).unwrap();
    let (head, rest) = text.split_once(BEGIN).expect("the README has no place for the tables");
    let (found, tail) = rest.split_once(END).expect("the tables in the README have no end");
    let tables = catalogue::markdown();
    if std::env::var(REWRITE).is_ok_and(|value| value == "1") {
        fs::write(&path, format!("{head}{BEGIN}{tables}\n{END}{tail}")).unwrap();
    } else {
        assert!(
            found.trim_end() == tables.trim_end(),
            "the tables in {} are stale: `{REWRITE}=1 cargo test -p testbed --test catalogue` \
             writes them anew",
            path.display()
        );
    }
}
