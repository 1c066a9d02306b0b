//! `docker-broker sweep`: the program itself, against the fake engine.

use std::process::Output;

use serde_json::json;

use crate::harness::Lab;
use crate::harness::engine::world::{FOREIGN, IMPOSTOR, OWN, OWN_NET};

/// Runs the program in a thread of its own, for the fake engine answers in this one.
async fn sweep(lab: &Lab, words: &[&str]) -> (i32, String, String) {
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_docker-broker"));
    command.env_clear().arg("sweep").args(words).arg("--upstream").arg(lab.setup("postgres").upstream);
    let output: Output = tokio::task::spawn_blocking(move || command.output().expect("runs")).await.expect("ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (output.status.code().expect("a code"), text(&output.stdout), text(&output.stderr))
}

fn is_there(lab: &Lab, id: &str) -> bool {
    lab.engine.world(|world| world.containers.iter().any(|container| container.id == id))
}

#[tokio::test]
async fn what_is_wrong_is_said_before_anything_is_touched() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    for (words, code, said) in [
        (&["--owner", "a b"][..], 64, "INSTANCE/LISTENER"),
        (&["--all", "--owner", "lab/main"], 64, "--all"),
        (&["--instance", "a/b"], 64, "letters, digits"),
        (&["lab/main"], 64, "unexpected argument"),
    ] {
        let (ended, _, error) = sweep(&lab, words).await;
        assert_eq!(ended, code, "{words:?}: {error}");
        assert!(error.contains(said), "{words:?}: {error}");
    }
    lab.engine.assert_untouched();
    lab.engine.stop();
    let (code, out, error) = sweep(&lab, &["--instance", "lab"]).await;
    assert_eq!((code, out.as_str()), (69, ""), "{error}");
    assert!(error.contains("cannot connect to the engine"), "{error}");
}

#[tokio::test]
async fn a_dry_run_of_an_owner_lists_it_and_touches_nothing() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    lab.engine.forget();
    let (code, out, error) = sweep(&lab, &["--dry-run", "--owner", "lab/main"]).await;
    assert_eq!((code, error.as_str()), (0, ""), "{out}");
    for word in
        ["own-postgres", "own-stopped", "n-own", "own-volume", "would be removed: asked for", "4 would be removed"]
    {
        assert!(out.contains(word), "{word} in {out}");
    }
    assert!(!out.contains("payroll"), "{out}");
    lab.engine.assert_untouched();
}

#[tokio::test]
async fn by_default_only_what_is_due_goes() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    let (code, out, _) = sweep(&lab, &["--instance", "lab"]).await;
    assert!(code == 0 && out.starts_with("nothing due of instance `lab`; the next is due in "), "{out}");
    lab.engine.world(|world| {
        for id in [OWN, FOREIGN, IMPOSTOR] {
            world.change(id, |container| container.config["Labels"]["docker-broker.expires"] = json!("1"));
        }
    });
    let (code, out, _) = sweep(&lab, &["--instance", "lab"]).await;
    assert!(code == 0 && out.contains("removed: its time was over"), "{out}");
    assert!(!is_there(&lab, OWN) && is_there(&lab, FOREIGN) && is_there(&lab, IMPOSTOR));
}

#[tokio::test]
async fn what_cannot_go_is_said_with_the_engines_words_and_a_code_for_scripts() {
    let mut lab = Lab::start("postgres").await;
    lab.stop_broker().await;
    lab.engine.world(|world| {
        let network = world.network(OWN_NET).expect("a network").clone();
        world.change(FOREIGN, |foreign| {
            foreign.networks.insert(network.name, network.id);
        });
    });
    let audit = lab.audit_file().with_extension("sweep");
    let (code, out, _) = sweep(&lab, &["--all", "--instance", "lab", "--audit", audit.to_str().expect("a path")]).await;
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("3 removed, 1 left") && out.contains("has active endpoints"), "{out}");
    let records = std::fs::read_to_string(audit).expect("records");
    assert_eq!(records.lines().filter(|line| line.contains("\"decision\":\"removed\"")).count(), 3, "{records}");
}
