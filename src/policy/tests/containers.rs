//! Operations on existing containers: whose they are, and what may be done with them.

use hyper::Method;
use serde_json::Value;

use super::fixture::{Scene, each, full_id, image_id, sample, short_id};
use crate::operation::routes::{ROWS, Standing};
use crate::policy::permit::Relay;

/// Method, pattern, for every modelled operation on one container.
fn actions() -> Vec<(Method, &'static str)> {
    let acts = |row: &&crate::operation::routes::Row| {
        matches!(row.standing, Standing::Modelled(..)) && row.pattern.starts_with("/containers/{id}")
    };
    let found: Vec<_> = ROWS.iter().filter(acts).map(|row| (row.method.clone(), row.pattern)).collect();
    assert_eq!(found.len(), 22);
    found
}

fn act(scene: &Scene, method: &Method, pattern: &str, container: &str) -> super::fixture::Outcome {
    let (target, body) = sample(method, pattern);
    let target = target.replace("/containers/own", &format!("/containers/{container}"));
    if body == Value::Null { scene.ask(method.as_str(), &target) } else { scene.post(&target, &body) }
}

#[test]
fn a_foreign_container_is_answered_like_a_missing_one() {
    let scene = Scene::postgres();
    each(actions(), |(method, pattern)| {
        for foreign in ["foreign".to_owned(), full_id("ff"), "ff".into(), short_id("ff")] {
            let of_foreign = act(&scene, method, pattern, &foreign).missing();
            assert_eq!(of_foreign, format!("No such container: {foreign}"));
            let of_missing = act(&scene, method, pattern, "nothing").missing();
            assert_eq!(of_foreign.replace(&foreign, "nothing"), of_missing);
        }
    });
}

#[test]
fn labels_that_came_with_an_image_own_nothing() {
    let mut scene = Scene::postgres();
    scene.engine.container("own").image_id = image_id("22");
    each(actions(), |(method, pattern)| {
        assert_eq!(act(&scene, method, pattern, "own").missing(), "No such container: own");
    });
}

#[test]
fn without_control_nothing_is_acted_on() {
    let scene = Scene::shipped("read-only");
    each(actions(), |(method, pattern)| {
        if pattern.ends_with("/json") {
            assert_eq!(act(&scene, method, pattern, "own").sent().relay, Relay::AsIs);
            assert_eq!(act(&scene, method, pattern, "foreign").sent().relay, Relay::Filtered);
        } else {
            assert_eq!(act(&scene, method, pattern, "own").refused_by(), "containers.control");
            assert_eq!(act(&scene, method, pattern, "nothing").refused_by(), "containers.control");
        }
    });
}

#[test]
fn an_own_container_goes_up_by_its_full_id_however_it_was_named() {
    let scene = Scene::postgres();
    each(actions(), |(method, pattern)| {
        for name in ["own".to_owned(), full_id("aa"), "aa".into(), "a".into()] {
            let sent = act(&scene, method, pattern, &name).sent();
            let head = format!("{method} /containers/{}", full_id("aa"));
            assert!(sent.target.starts_with(&head), "{}", sent.target);
            assert_eq!(sent.relay, Relay::AsIs);
        }
    });
}

#[test]
fn with_control_of_all_only_what_an_inspect_tells_is_filtered() {
    let scene = Scene::postgres_with("[containers]\nsee = \"all\"\ncontrol = \"all\"\n");
    each(actions(), |(method, pattern)| {
        let sent = act(&scene, method, pattern, "foreign").sent();
        let relay = if pattern.ends_with("/json") { Relay::Filtered } else { Relay::AsIs };
        assert_eq!(sent.relay, relay);
        assert!(sent.target.contains(&full_id("ff")), "{}", sent.target);
    });
}

#[test]
fn a_revoked_image_does_not_start_again() {
    for verb in ["start", "restart"] {
        let target = format!("/containers/own/{verb}");
        Scene::postgres().ask("POST", &target).sent();
        let revoked = Scene::postgres_with("[images]\nallow = [\"postgres:17\"]\n");
        assert_eq!(revoked.ask("POST", &target).refused_by(), "images.allow");
        // other operations still work, so that it can be looked at and removed
        revoked.ask("POST", "/containers/own/stop").sent();
        revoked.ask("DELETE", "/containers/own").sent();
    }
}

#[test]
fn a_container_made_by_image_id_starts_while_one_of_the_images_names_is_allowed() {
    let mut scene = Scene::postgres();
    for spelled in [image_id("11"), full_id("11"), "11".to_owned(), "sha256:11".to_owned()] {
        scene.engine.container("own").image.clone_from(&spelled);
        scene.ask("POST", "/containers/own/start").sent();
    }
    scene.engine.images[0].repo_tags = vec!["redis:7".into()];
    scene.engine.images[0].repo_digests.clear();
    assert_eq!(scene.ask("POST", "/containers/own/start").refused_by(), "images.allow");
    scene.engine.images.remove(0);
    assert_eq!(scene.ask("POST", "/containers/own/start").refused_by(), "images.allow");
}

#[test]
fn a_container_on_a_network_that_is_not_its_owners_does_not_start() {
    let mut scene = Scene::postgres();
    for (name, id, starts) in [
        ("foreign-net", "b5", false),
        ("host", "b2", false),
        ("own-net", "b4", true),
        ("none", "b3", true),
        ("bridge", "", true),
        ("foreign-net", "", false),
        ("gone", "", false),
        // a name is only a name: the ID says which network it is
        ("own-net", "b5", false),
    ] {
        let id = if id.is_empty() { String::new() } else { full_id(id) };
        scene.engine.container("own").networks = [(name.to_owned(), id)].into();
        let outcome = scene.ask("POST", "/containers/own/start");
        if starts {
            outcome.sent();
        } else {
            assert_eq!(outcome.refused_by(), "containers.networks", "{name}");
        }
    }
}

#[test]
fn a_privileged_container_does_not_start() {
    let mut scene = Scene::postgres();
    scene.engine.container("own").privileged = true;
    assert_eq!(scene.ask("POST", "/containers/own/start").refused_by(), "containers.host.privileged");
}

#[test]
fn checkpoints_and_links_are_on_the_floor_for_every_policy() {
    for scene in [Scene::postgres(), Scene::shipped("unrestricted")] {
        assert_eq!(scene.ask("POST", "/containers/own/start?checkpoint=x").floor(), "checkpoint");
        assert_eq!(scene.ask("POST", "/containers/own/start?checkpoint-dir=/etc").floor(), "checkpoint-dir");
        assert_eq!(scene.ask("DELETE", "/containers/own?link=1").floor(), "link");
        assert_eq!(scene.ask("GET", "/containers/own/logs?details=1&stdout=1").floor(), "details");
        assert_eq!(scene.ask("GET", "/containers/own/logs?format=x").floor(), "format");
    }
}

#[test]
fn only_signals_are_sent() {
    let scene = Scene::postgres();
    for signal in ["x", "65", "0", "-9", "KILL%3Bx", "SIGSIGKILL", "RTMIN+100"] {
        let signal = signal.replace('+', "%2B");
        assert_eq!(scene.ask("POST", &format!("/containers/own/kill?signal={signal}")).floor(), "signal", "{signal}");
        assert_eq!(scene.ask("POST", &format!("/containers/own/stop?signal={signal}")).floor(), "signal", "{signal}");
    }
    for signal in ["", "9", "KILL", "SIGTERM", "hup", "sigint", "RTMIN%2B3"] {
        scene.ask("POST", &format!("/containers/own/kill?signal={signal}")).sent();
    }
}

#[test]
fn small_words_are_plain() {
    let scene = Scene::postgres();
    for (target, place) in [
        ("/containers/own/logs?since=%3Bx", "since"),
        ("/containers/own/logs?until=a%20b", "until"),
        ("/containers/own/logs?tail=ten", "tail"),
        ("/containers/own/json?size=1", ""),
    ] {
        let outcome = scene.ask("GET", target);
        if place.is_empty() {
            outcome.sent();
        } else {
            assert_eq!(outcome.floor(), place);
        }
    }
    assert_eq!(scene.ask("POST", "/containers/own/wait?condition=never").floor(), "condition");
    assert_eq!(scene.ask("POST", "/containers/own/attach?detachKeys=ctrl-").floor(), "detachKeys");
    scene.ask("GET", "/containers/own/logs?since=1700000000.5&until=10m&tail=-1&stdout=True").sent();
}

#[test]
fn a_stop_ends() {
    let scene = Scene::postgres();
    for (asked, sent) in [("-1", "600"), ("601", "600"), ("10", "10"), ("0", "0")] {
        for verb in ["stop", "restart"] {
            let target = scene.ask("POST", &format!("/containers/own/{verb}?t={asked}")).sent().target;
            assert!(target.ends_with(&format!("/{verb}?t={sent}")), "{target}");
        }
    }
}

#[test]
fn a_delete_of_an_own_container_takes_its_anonymous_volumes_along() {
    let scene = Scene::postgres();
    for query in ["", "?v=0", "?v=1"] {
        let target = scene.ask("DELETE", &format!("/containers/own{query}")).sent().target;
        assert_eq!(target, format!("DELETE /containers/{}?v=1", full_id("aa")));
    }
    // what belongs to somebody else is deleted as it was asked
    let all = Scene::postgres_with("[containers]\ncontrol = \"all\"\n");
    let target = all.ask("DELETE", "/containers/foreign?force=1").sent().target;
    assert_eq!(target, format!("DELETE /containers/{}?force=1", full_id("ff")));
}

#[test]
fn archives_stay_with_the_containers_own_files() {
    let scene = Scene::postgres();
    for path in ["", "/proc/1/root", "/sys", "dev/sda", "/a/../../proc", "//proc", "/./sys/x"] {
        for method in ["GET", "HEAD", "PUT"] {
            assert_eq!(scene.ask(method, &format!("/containers/own/archive?path={path}")).floor(), "path", "{path}");
        }
    }
    let closed = Scene::postgres_with("[containers]\ncopy-in = false\ncopy-out = false\n");
    assert_eq!(closed.ask("GET", "/containers/own/archive?path=/tmp").refused_by(), "containers.copy-out");
    assert_eq!(closed.ask("HEAD", "/containers/own/archive?path=/tmp").refused_by(), "containers.copy-out");
    assert_eq!(closed.ask("PUT", "/containers/own/archive?path=/tmp").refused_by(), "containers.copy-in");
}

#[test]
fn a_list_asks_for_the_owners_own() {
    let owner = "docker-broker.owner%3Dhost-1%2Fmain";
    let sent = Scene::postgres().ask("GET", "/containers/json?all=1&since=foreign&before=foreign").sent();
    assert!(sent.target.contains(owner) && sent.target.contains("all=1"), "{}", sent.target);
    assert!(!sent.target.contains("foreign"), "{}", sent.target);
    assert_eq!(sent.relay, Relay::Filtered);
    let all = Scene::shipped("read-only").ask("GET", "/containers/json").sent();
    assert_eq!(all.target, "GET /containers/json");
    assert_eq!(all.relay, Relay::Filtered);
}

#[test]
fn filters_cannot_ask_whether_a_container_exists() {
    for name in ["before", "since"] {
        let target = format!("/containers/json?filters=%7B%22{name}%22:%5B%22foreign%22%5D%7D");
        assert_eq!(Scene::postgres().ask("GET", &target).refused_by(), "containers.see");
        Scene::shipped("read-only").ask("GET", &target).sent();
    }
}
