//! Generated documents are current, and everything that a refusal names exists.

use std::fs;
use std::path::Path;
use std::process::Command;

use docker_broker::operation::routes::{ROWS, Standing};
use docker_broker::policy::file::keys;

/// What the program prints for a document.
fn printed(arguments: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_docker-broker")).args(arguments).output().expect("the program");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn is_current(document: &str, arguments: &[&str]) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(document);
    let written = fs::read_to_string(&path).unwrap_or_default();
    let printed = printed(arguments);
    assert!(
        written == printed,
        "docs/{document} is not current; write it anew: cargo run -- {} >docs/{document}",
        arguments.join(" ")
    );
}

#[test]
fn the_reference_of_policies_is_current() {
    is_current("policy-reference.md", &["policy", "reference"]);
}

#[test]
fn the_table_of_operations_is_current() {
    is_current("operations.md", &["operations", "--format", "markdown"]);
}

#[test]
fn the_reference_of_settings_is_current() {
    is_current("configuration.md", &["config", "--reference"]);
}

#[test]
fn the_schema_of_policies_is_current() {
    is_current("policy.schema.json", &["policy", "schema"]);
}

#[test]
fn every_key_that_will_open_an_operation_is_in_the_vocabulary() {
    for row in ROWS {
        if let Standing::Later(key) = row.standing {
            assert!(keys::find(key).is_some(), "{}: `{key}`", row.id);
        }
    }
}
