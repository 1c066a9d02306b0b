//! Which images may be seen, pulled and run, in every spelling.

use hyper::http::Request;
use serde_json::json;

use super::fixture::{Scene, each, full_id, image, image_id};
use crate::policy::credentials::RegistryCredentials;
use crate::policy::permit::Relay;

fn pull(scene: &Scene, query: &str) -> super::fixture::Outcome {
    scene.ask("POST", &format!("/v1.44/images/create?{query}"))
}

#[test]
fn a_pull_of_anything_else_is_refused() {
    let digest = format!("sha256:{}", full_id("de"));
    each(
        [
            "fromImage=redis&tag=7".to_owned(),
            "fromImage=postgres&tag=15".to_owned(),
            "fromImage=postgres:16&tag=15".to_owned(),
            "fromImage=quay.io/library/postgres&tag=16".to_owned(),
            "fromImage=registry-1.docker.io/library/postgres&tag=16".to_owned(),
            "fromImage=docker.io:443/library/postgres&tag=16".to_owned(),
            "fromImage=localhost/postgres&tag=16".to_owned(),
            "fromImage=evil/postgres&tag=16".to_owned(),
            "fromImage=postgres&tag=16-alpine".to_owned(),
            format!("fromImage=postgres&tag={digest}"),
            format!("fromImage=postgres:16@{digest}"),
            format!("fromImage=postgres@{digest}&tag=16"),
        ],
        |query| assert_eq!(pull(&Scene::postgres(), query).refused_by(), "images.allow"),
    );
}

#[test]
fn a_reaper_is_refused_with_what_to_set() {
    let says = "set `TESTCONTAINERS_RYUK_DISABLED=true`";
    let scene = Scene::postgres();
    for registry in ["", "docker.io/", "registry.example/", "registry.example/hub/"] {
        let create = json!({"Image": format!("{registry}testcontainers/ryuk:0.14.0")});
        let outcomes = [
            scene.post("/containers/create", &create),
            pull(&scene, &format!("fromImage={registry}testcontainers/ryuk&tag=0.14.0")),
        ];
        for denial in outcomes.map(super::fixture::Outcome::denied) {
            assert!(denial.message("r").contains(says), "{denial:?}");
        }
    }
    for image in ["nottestcontainers/ryuk:1", "testcontainers/sshd:1", "ryuk:1"] {
        let denial = scene.post("/containers/create", &json!({"Image": image})).denied();
        assert!(!denial.message("r").contains(says), "{image}");
    }
    let allowed = Scene::postgres_with("[images]\nallow = [\"testcontainers/ryuk:0.14.0\"]");
    assert!(pull(&allowed, "fromImage=testcontainers/ryuk&tag=0.14.0").sent().target.contains("ryuk"));
}

#[test]
fn a_pull_without_a_tag_would_be_all_tags() {
    let scene = Scene::with("[images]\nallow=[\"postgres:*\"]\npull=true\n[containers]\nsee=\"own\"\n");
    for query in ["fromImage=postgres", "fromImage=postgres&tag=", "fromImage=docker.io/library/postgres"] {
        assert_eq!(pull(&scene, query).floor(), "fromImage", "{query}");
    }
}

#[test]
fn what_is_no_image_name_is_on_the_floor() {
    each(
        ["fromImage=Postgres&tag=16", "fromImage=&tag=16", "fromImage=postgres&tag=16@x", "fromImage=postgres&tag=a/b"],
        |query| assert_eq!(pull(&Scene::postgres(), query).floor(), "fromImage"),
    );
    let by_id = format!("fromImage={}&tag=16", full_id("11"));
    assert_eq!(pull(&Scene::postgres(), &by_id).floor(), "fromImage");
}

#[test]
fn an_import_is_refused_whatever_it_is_named() {
    each(
        [
            "fromSrc=-&repo=postgres&tag=16",
            "fromSrc=http://evil/x.tar",
            "fromImage=postgres&tag=16&repo=x",
            "fromImage=postgres&tag=16&message=x",
            "fromImage=postgres&tag=16&changes=ENV%20A=b",
        ],
        |query| assert_eq!(pull(&Scene::postgres(), query).not_yet(), "build.tags"),
    );
}

#[test]
fn a_pull_goes_up_in_full_and_in_one_spelling() {
    let wanted = "POST /images/create?fromImage=docker.io%2Flibrary%2Fpostgres&tag=16";
    each(
        [
            "fromImage=postgres&tag=16",
            "fromImage=postgres:16",
            "fromImage=postgres%3A16",
            "fromImage=postgres:17&tag=16",
            "fromImage=docker.io/library/postgres&tag=16",
            "fromImage=index.docker.io/library/postgres&tag=16",
            "fromImage=library/postgres&tag=16&registry=evil.example",
            "fromImage=postgres&tag=16&platform=",
        ],
        |query| assert_eq!(pull(&Scene::postgres(), query).sent().target, wanted),
    );
    let sent = pull(&Scene::postgres(), "fromImage=postgres&tag=16&platform=linux/arm64/v8").sent();
    assert!(sent.target.ends_with("&platform=linux%2Farm64%2Fv8"), "{}", sent.target);
    assert_eq!(pull(&Scene::postgres(), "fromImage=postgres&tag=16&platform=%7B%7D").floor(), "platform");
}

#[test]
fn a_pinned_digest_is_pulled_as_it_is_pinned() {
    let digest = format!("sha256:{}", full_id("de"));
    let scene =
        Scene::with(&format!("[images]\nallow=[\"postgres@{digest}\"]\npull=true\n[containers]\nsee=\"own\"\n"));
    let encoded = digest.replace(':', "%3A");
    for query in [format!("fromImage=postgres&tag={digest}"), format!("fromImage=postgres:16@{digest}")] {
        let sent = pull(&scene, &query).sent();
        assert_eq!(sent.target, format!("POST /images/create?fromImage=docker.io%2Flibrary%2Fpostgres&tag={encoded}"));
    }
    assert_eq!(pull(&scene, "fromImage=postgres&tag=16").refused_by(), "images.allow");
}

#[test]
fn credentials_go_where_the_policy_says() {
    let head = || {
        let target = "/images/create?fromImage=postgres&tag=16";
        Request::builder().method("POST").uri(target).header("x-registry-auth", "eyJ1IjoieCJ9")
    };
    assert!(!Scene::postgres().send(head(), b"").sent().has_registry_auth);
    let passing = Scene::postgres_with("[images]\nregistry-auth = \"client\"\n");
    assert!(passing.send(head(), b"").sent().has_registry_auth);
    let mut own = Scene::postgres_with("[images]\nregistry-auth = \"broker\"\n");
    assert!(!own.send(head(), b"").sent().has_registry_auth, "the broker has none, and a client's do not stand in");
    let text = r#"{"auths": {"other.example": {"auth": "dTpw"}, "https://index.docker.io/v1/": {"auth": "dTpw"}}}"#;
    own.policy.images.credentials = RegistryCredentials::parse(text).expect("credentials");
    let sent = own.send(head(), b"").sent().registry_auth.expect("the broker's");
    assert!(sent.starts_with("eyJ1c2VybmFtZSI6InUi"), "{sent}");
}

#[test]
fn an_image_that_the_policy_does_not_name_does_not_exist() {
    let scene = Scene::postgres();
    for name in ["redis:7", "redis", "postgres:15", "private/secret:1", "nothing:1"] {
        let message = scene.ask("GET", &format!("/images/{name}/json")).missing();
        let familiar = if name.contains(':') { name.to_owned() } else { format!("{name}:latest") };
        assert_eq!(message, format!("No such image: {familiar}"));
    }
    // by ID, by prefix, with and without the algorithm: as one that nobody has
    for id in ["22".to_owned(), full_id("22"), image_id("22"), "ca".into(), "sha256:ca".into(), full_id("99")] {
        scene.ask("GET", &format!("/images/{id}/json")).missing();
        let create = scene.post("/containers/create", &json!({"Image": id}));
        assert!(create.missing().starts_with("No such image: "), "{id}");
    }
}

#[test]
fn a_word_that_could_be_a_name_and_an_id_is_judged_as_what_the_engine_found() {
    // no image has this name, so the engine finds the one whose ID begins so
    for allow in ["ca:latest", "*:*"] {
        let scene = Scene::postgres_with(&format!("[images]\nallow = [\"{allow}\"]\n"));
        assert_eq!(scene.ask("GET", "/images/ca/json").missing(), "No such image: ca:latest", "{allow}");
        scene.post("/containers/create", &json!({"Image": "ca"})).missing();
        scene.post("/containers/create", &json!({"Image": image_id("ca")})).missing();
    }
    let mut scene = Scene::postgres_with("[images]\nallow = [\"ca:latest\"]\n");
    scene.engine.images.push(image("33", &["ca:latest"], &[]));
    let sent = scene.post("/containers/create", &json!({"Image": "ca"})).sent();
    assert_eq!(sent.at("/Labels/docker-broker.image"), image_id("33"));
}

#[test]
fn an_allowed_image_is_shown_filtered_under_any_of_its_names() {
    let scene = Scene::postgres();
    for name in ["postgres:16", "docker.io/library/postgres:16", "library%2Fpostgres:16"] {
        let sent = scene.ask("GET", &format!("/images/{name}/json")).sent();
        assert_eq!(sent.relay, Relay::Filtered);
    }
    for id in ["11".to_owned(), full_id("11"), image_id("11"), "sha256:11".into()] {
        let sent = scene.ask("GET", &format!("/images/{id}/json")).sent();
        assert_eq!(sent.target, format!("GET /images/{}/json", image_id("11").replace(':', "%3A")), "{id}");
    }
}

#[test]
fn filters_cannot_ask_whether_an_image_exists() {
    let scene = Scene::postgres();
    for (name, value) in
        [("before", "private/secret:1"), ("since", "redis:7"), ("before", "ca"), ("since", "sha256:ca")]
    {
        let filters = json!({name: [value]}).to_string().replace('"', "%22").replace('{', "%7B").replace('}', "%7D");
        assert_eq!(scene.ask("GET", &format!("/images/json?filters={filters}")).refused_by(), "images.allow");
    }
    let filters = "%7B%22since%22:%7B%22postgres:16%22:true%7D%7D";
    assert_eq!(scene.ask("GET", &format!("/images/json?filters={filters}")).sent().relay, Relay::Filtered);
}
