//! Volumes that clients make, mount and remove.

use serde_json::{Value, json};

use super::fixture::{Outcome, Scene, Sent, each, merge};
use crate::policy::permit::{FollowUp, NewVolume, Relay};

/// The `postgres` policy with volumes of the client's own.
fn granted() -> Scene {
    Scene::postgres_with("[volumes]\ncreate = { names = [\"v-*\", \"foreign*\", \"bound*\"] }\n")
}

#[expect(clippy::needless_pass_by_value, reason = "tests write the value where they pass it")]
fn make(scene: &Scene, fields: Value) -> Outcome {
    let mut body = json!({"Name": "v-1"});
    merge(&mut body, &fields);
    scene.post("/v1.44/volumes/create", &body)
}

fn made(sent: Sent) -> Vec<NewVolume> {
    match sent.follow_up {
        FollowUp::Created { image_id: _, connect: _, volumes } => volumes,
        FollowUp::Nothing | FollowUp::Counted => panic!("a create has something to follow"),
    }
}

#[test]
fn volumes_of_others_are_not_removed() {
    for name in ["foreign-vol", "nothing", "bound-vol", "nfs-vol"] {
        for query in ["", "?force=1"] {
            let missing = granted().ask("DELETE", &format!("/volumes/{name}{query}")).missing();
            assert_eq!(missing, format!("get {name}: no such volume"));
        }
    }
}

#[test]
fn without_the_grant_nothing_is_made_or_removed() {
    assert_eq!(Scene::postgres().ask("DELETE", "/volumes/own-vol").refused_by(), "volumes.create");
    for name in ["v-1", "", "own-vol", "foreign-vol"] {
        assert_eq!(make(&Scene::postgres(), json!({"Name": name})).refused_by(), "volumes.create");
    }
    drop(Scene::shipped("deny-all").ask("DELETE", "/volumes/own-vol").denied());
    drop(make(&Scene::shipped("deny-all"), json!({})).denied());
}

#[test]
fn an_own_volume_is_removed() {
    assert_eq!(granted().ask("DELETE", "/volumes/own-vol").sent().target, "DELETE /volumes/own-vol");
    let sent = granted().ask("DELETE", "/v1.44/volumes/own-vol?force=true&x=1").sent();
    assert_eq!(sent.target, "DELETE /volumes/own-vol", "a swarm's volume of this name would go too");
}

#[test]
fn nothing_of_the_host_comes_with_a_volume() {
    let bind = json!({"type": "none", "o": "bind", "device": "/"});
    each(
        [("Driver", json!("nfs")), ("Driver", json!("Local")), ("DriverOpts", bind), ("DriverOpts", json!({"": ""}))],
        |(field, value)| {
            // no key is named that would not help, also where no volume may be made
            for scene in [granted(), Scene::postgres()] {
                assert_eq!(make(&scene, json!({*field: value})).floor(), *field);
            }
        },
    );
    each(
        [
            ("Labels", json!({"traefik.enable": "true"}), "containers.labels"),
            ("Name", json!("other"), "volumes.create.names"),
        ],
        |(field, value, key)| assert_eq!(make(&granted(), json!({*field: value})).refused_by(), *key),
    );
    each(["../../x", "v", "-v", "/etc", "v-1:/x"], |name| {
        assert_eq!(make(&granted(), json!({"Name": name})).floor(), "Name");
    });
    assert_eq!(make(&granted(), json!({"Labels": {"docker-broker.owner": "x"}})).floor(), "Labels");
    assert!(matches!(make(&granted(), json!({"ClusterVolumeSpec": {"Group": "g"}})), Outcome::Malformed(_)));
    let unrestricted = Scene::shipped("unrestricted");
    assert_eq!(make(&unrestricted, json!({"Labels": {"docker-broker.owner": "x"}})).floor(), "Labels");
    let socket = json!({"DriverOpts": {"type": "none", "o": "bind", "device": "/var/run"}});
    assert_eq!(make(&unrestricted, socket).floor(), "DriverOpts");
    assert_eq!(make(&unrestricted, json!({"ClusterVolumeSpec": {}})).floor(), "ClusterVolumeSpec");
    each(
        [
            json!({"type": "overlay", "o": "lowerdir=/run,upperdir=/a,workdir=/b", "device": "overlay"}),
            json!({"type": "overlay", "o": "lowerdir=/c:/var/run,upperdir=/a,workdir=/b", "device": "overlay"}),
            json!({"type": "none", "o": "bind", "device": "/dev/fd/7"}),
            json!({"type": "none", "o": "bind", "device": "run"}),
            json!({"type": "none", "o": "bind", "device": "."}),
            json!({"type": "none", "o": "bind", "device": "/run/containerd/s"}),
        ],
        |options| assert_eq!(make(&unrestricted, json!({"DriverOpts": options})).floor(), "DriverOpts", "{options}"),
    );
}

#[test]
fn a_name_that_somebody_has_is_not_given_twice() {
    each(["foreign-vol", "bound-vol"], |name| {
        assert_eq!(make(&granted(), json!({"Name": name})).floor(), "Name");
    });
}

#[test]
fn a_volume_goes_up_with_its_owner_and_is_looked_at_again() {
    let sent =
        make(&granted(), json!({"Driver": "local", "DriverOpts": {}, "Labels": {"org.testcontainers": "1"}})).sent();
    assert_eq!((sent.target.as_str(), sent.relay), ("POST /volumes/create", Relay::Filtered));
    assert_eq!(sent.at("/Labels/docker-broker.owner"), "host-1/main");
    assert_eq!(sent.at("/Labels/org.testcontainers"), "1");
    assert_eq!(sent.body.as_object().expect("a body").keys().collect::<Vec<_>>(), ["Name", "Labels"]);
    // the engine makes a name
    let sent = make(&granted(), json!({"Name": null})).sent();
    assert_eq!(sent.body.as_object().expect("a body").keys().collect::<Vec<_>>(), ["Labels"]);
}

#[test]
fn a_named_volume_that_a_create_mounts_is_made_before() {
    let bind = json!({"HostConfig": {"Binds": ["v-1:/data:ro"]}});
    let mount = json!({"HostConfig": {"Mounts": [{"Type": "volume", "Source": "v-1", "Target": "/data",
        "VolumeOptions": {"NoCopy": true, "Labels": {"org.testcontainers": "1"}}}]}});
    for (body, labels) in [(bind, 5), (mount, 6)] {
        assert_eq!(Scene::postgres().create(&body).refused_by(), "volumes.create");
        let volumes = made(granted().create(&body).sent());
        let [NewVolume { name, labels: written }] = volumes.as_slice() else { panic!("{volumes:?}") };
        assert_eq!((name.as_str(), written.0.len()), ("v-1", labels));
        assert_eq!(written.0["docker-broker.owner"], "host-1/main");
    }
    let sent = granted()
        .create_host(&json!({"Mounts": [{"Type": "volume", "Source": "v-1", "Target": "/data",
        "VolumeOptions": {"NoCopy": true, "Labels": {"org.testcontainers": "1"}}}]}))
        .sent();
    assert_eq!(
        sent.host("Mounts"),
        json!([{"Target": "/data", "Source": "v-1", "Type": "volume", "VolumeOptions": {"NoCopy": true}}])
    );
    // an own one is there
    assert_eq!(made(granted().create_host(&json!({"Binds": ["own-vol:/data"]})).sent()), []);
}

#[test]
fn a_create_mounts_no_volume_of_others_and_none_with_another_name() {
    for (name, key) in
        [("foreign-vol", "volumes.create"), ("bound-vol", "volumes.create"), ("other", "volumes.create.names")]
    {
        assert_eq!(granted().create_host(&json!({"Binds": [format!("{name}:/data")]})).refused_by(), key, "{name}");
        let mount = json!({"Type": "volume", "Source": name, "Target": "/data"});
        assert_eq!(granted().create_host(&json!({"Mounts": [mount]})).refused_by(), key, "{name}");
    }
    let labelled = |labels: Value| {
        granted().create_host(&json!({"Mounts": [{"Type": "volume", "Source": "v-1", "Target": "/data",
            "VolumeOptions": {"Labels": labels}}]}))
    };
    assert_eq!(labelled(json!({"docker-broker.owner": "x"})).floor(), "HostConfig.Mounts[0].VolumeOptions.Labels");
    assert_eq!(labelled(json!({"traefik.enable": "1"})).refused_by(), "containers.labels");
}

#[test]
fn anonymous_volumes_need_the_grant_and_a_clean_path() {
    let scene = granted();
    each(["/etc:/x", "x", "", "/a/../b", "/a,b"], |path| {
        assert_eq!(scene.create(&json!({"Volumes": {*path: {}}})).floor(), format!("Volumes[{path}]"));
    });
    let body = json!({"Volumes": {"/data": {}}});
    assert_eq!(Scene::postgres().create(&body).refused_by(), "volumes.create");
    let sent = scene.create(&body).sent();
    assert_eq!(sent.at("/Volumes"), json!({"/data": {}}));
    let nameless = json!({"Mounts": [{"Type": "volume", "Target": "/data"}]});
    assert_eq!(Scene::postgres().create_host(&nameless).refused_by(), "volumes.create");
    let sent = scene.create_host(&nameless).sent();
    assert_eq!(sent.host("Mounts"), nameless["Mounts"]);
    assert_eq!(made(sent), []);
}

#[test]
fn parts_of_volumes_are_parts_of_own_ones() {
    let part = |source: &str, subpath: &str| {
        granted().create_host(&json!({"Mounts": [{"Type": "volume", "Source": source, "Target": "/data",
            "VolumeOptions": {"Subpath": subpath}}]}))
    };
    each(["..", "../x", "/etc", "a/../b", "a//b", "a/", ".", "a:b"], |subpath| {
        assert_eq!(part("own-vol", subpath).floor(), "HostConfig.Mounts[0].VolumeOptions.Subpath");
    });
    assert_eq!(part("v-1", "a").floor(), "HostConfig.Mounts[0].VolumeOptions.Subpath");
    assert_eq!(part("foreign-vol", "a").refused_by(), "volumes.create");
    assert_eq!(part("own-vol", "a/b").sent().host("Mounts")[0]["VolumeOptions"], json!({"Subpath": "a/b"}));
}
