#![cfg(test)]
//! The image and the compose files as they are shipped, on a real engine with the real compose plugin.

#[path = "sidecar/names.rs"]
mod names;
#[path = "sidecar/reach.rs"]
mod reach;
#[path = "sidecar/scene.rs"]
mod scene;
#[path = "sidecar/shipped.rs"]
mod shipped;
#[expect(dead_code, unreachable_pub, reason = "each end-to-end test uses its own part")]
mod support;

use std::process::ExitCode;
use std::sync::{Mutex, PoisonError};

use libtest_mimic::Trial;
use scene::Scene;

fn main() -> ExitCode {
    let trials = vec![
        support::trial("the image, by the classic builder", shipped::the_classic_builder_builds_it),
        on_scene("the image, by BuildKit", shipped::the_image_holds_the_broker_and_nothing_else),
        on_scene("the broker's container is hardened", shipped::the_broker_is_confined),
        on_scene("the other compose files", shipped::every_compose_file_is_read),
        on_scene("the stock suite in the agent", shipped::the_stock_suite_passes),
        on_scene("who reaches what", reach::nothing_outside_is_reached),
        on_scene("networks that were not granted", reach::no_other_network_can_be_joined),
        on_scene("names of others, at create", names::no_foreign_name_can_be_taken),
        on_scene("names of others with the own prefix", names::a_prefix_opens_no_name_that_is_taken),
        on_scene("names of others, later", names::nor_by_rename_or_connect),
        on_scene("a second agent", shipped::agents_do_not_see_each_other),
        on_scene("a wrong DOCKER_GID", shipped::a_wrong_group_is_explained),
        on_scene("a revoked image", shipped::a_revoked_image_does_not_start_again),
        support::trial("nothing is left", || take().unwrap_or_else(Scene::set).strike()),
    ];
    let conclusion = support::main("e2e-sidecar", trials);
    // also after a failure, and where the last trial was not asked for
    drop(take());
    conclusion
}

/// A trial on the one scene, which the first of them sets.
fn on_scene(name: &str, test: impl FnOnce(&Scene) + Send + 'static) -> Trial {
    support::trial(name, move || {
        let mut scene = SCENE.lock().unwrap_or_else(PoisonError::into_inner);
        test(scene.get_or_insert_with(Scene::set));
    })
}

fn take() -> Option<Scene> {
    SCENE.lock().unwrap_or_else(PoisonError::into_inner).take()
}

static SCENE: Mutex<Option<Scene>> = Mutex::new(None);
