#![cfg(test)]
#![expect(clippy::string_slice, reason = "IDs and messages are ASCII, and a panic is a failed test")]
//! Everything that is not allowed is refused on real engines, with a message that teaches, and nothing of it goes upstream.
//!
//! Between broker and engine stands a relay that writes down every request, so that what went upstream is known and not
//! believed. The expectations are in `refusals.toml` and `tests/data/field_expectations.json`, written by hand.

#[expect(dead_code, unreachable_pub, reason = "each test uses a part of it")]
mod support;

#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/keeper.rs"]
mod keeper;
#[expect(dead_code, reason = "each test uses a part of it")]
#[path = "support/raw.rs"]
mod raw;
#[path = "support/tap.rs"]
mod tap;

#[path = "refusals/fields.rs"]
mod fields;
#[path = "refusals/foreign.rs"]
mod foreign;
#[path = "refusals/scene.rs"]
mod scene;
#[path = "refusals/teaching.rs"]
mod teaching;

use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use libtest_mimic::Trial;
use scene::Scene;
use serde::Deserialize;
use support::{Engine, trial};

/// `refusals.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    route: Vec<teaching::Route>,
    create: Vec<teaching::Create>,
    cli: Vec<teaching::Cli>,
    lesson: Vec<teaching::Lesson>,
    foreign: foreign::Foreign,
}

/// One engine with its scene, which is set up when the first trial needs it.
#[derive(Debug)]
struct Stage {
    engine: Engine,
    scene: Mutex<Option<Scene>>,
    ran: AtomicU32,
    passed: AtomicU32,
}

impl Stage {
    fn with(self: &Arc<Self>, name: &str, test: impl FnOnce(&Scene) + Send + 'static) -> Trial {
        let stage = Arc::clone(self);
        trial(format!("{}: {name}", self.engine.name()), move || {
            stage.ran.fetch_add(1, Ordering::Relaxed);
            let mut scene = stage.scene.lock().unwrap_or_else(PoisonError::into_inner);
            test(scene.get_or_insert_with(|| Scene::set(stage.engine)));
            stage.passed.fetch_add(1, Ordering::Relaxed);
        })
    }
}

fn main() -> ExitCode {
    let stages = Engine::ALL.map(|engine| {
        Arc::new(Stage { engine, scene: Mutex::default(), ran: AtomicU32::new(0), passed: AtomicU32::new(0) })
    });
    let trials = stages.iter().flat_map(trials).collect();
    let code = support::main("refusals", trials);
    for stage in stages {
        // the scene goes before its numbers are said
        drop(stage.scene.lock().unwrap_or_else(PoisonError::into_inner).take());
        let (ran, passed) = (stage.ran.load(Ordering::Relaxed), stage.passed.load(Ordering::Relaxed));
        if ran > 0 {
            println!("refusals on engine {}: {passed} passed, {} failed", stage.engine.name(), ran - passed);
        }
    }
    code
}

fn trials(stage: &Arc<Stage>) -> Vec<Trial> {
    let Table { route, create, cli, lesson, foreign } = toml::from_str(TABLE).expect("refusals.toml");
    let mut trials = Vec::new();
    trials.extend(create.into_iter().map(|row| stage.with(&row.body.clone(), move |scene| row.check(scene))));
    trials.extend(
        cli.into_iter().map(|row| stage.with(&format!("docker {}", row.run.join(" ")), move |scene| row.check(scene))),
    );
    trials.extend(route.into_iter().map(|row| stage.with(&row.request.clone(), move |scene| row.check(scene))));
    trials.push(stage.with("a pinned image is what its digest says", teaching::pinned_image));
    trials.extend(
        lesson
            .into_iter()
            .map(|row| stage.with(&format!("{} opens {}", row.key, row.request), move |scene| row.check(scene))),
    );
    trials.extend(foreign.trials().into_iter().map(|(name, check)| stage.with(&name, check)));
    trials.extend(fields::rows().into_iter().map(|row| stage.with(&row.name(), move |scene| row.check(scene))));
    trials
}

const TABLE: &str = include_str!("refusals.toml");
