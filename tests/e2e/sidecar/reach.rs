//! Who reaches what: the agent and what it makes reach their own network, and nothing else.

use std::process::Output;

use crate::scene::{AGENT, BROKER, PORT, Scene};
use crate::support::{self, Engine, text};

/// A control container shows that each thing can be reached; the agent reaches none of them, nor does a container that
/// it made.
pub(crate) fn nothing_outside_is_reached(scene: &Scene) {
    let outside = scene.outside();
    for kind in ["outside", "metadata", "host"] {
        assert!(outside.iter().any(|(other, _)| other == kind), "the lab has no {kind}: {outside:?}");
    }
    let addresses: Vec<&str> = outside.iter().map(|(_, address)| address.as_str()).collect();
    let control = reached(&addresses, |script| direct(scene, "control", script));
    assert_eq!(control, addresses, "a container on an ordinary bridge reaches all");
    let egress = address(scene, "egress");
    let beside = reached(&[&egress], |script| direct(scene, "control-egress", script));
    assert_eq!(beside, [egress.as_str()], "a neighbour reaches the egress");

    let vault = address(scene, "vault");
    let targets = [&addresses[..], &[egress.as_str(), "egress", "host.docker.internal", vault.as_str()]].concat();
    let agent = reached(&targets, |script| scene.in_agent(script));
    assert_eq!(agent, [vault.as_str()], "the agent reaches its neighbour, and nothing else");

    let probe = Probe::start(scene);
    let made = reached(&targets, |script| probe.run(script));
    assert_eq!(made, [vault.as_str()], "a container of the agent reaches its neighbour, and nothing else");
    let routes = probe.run(&format!("{BUSYBOX} ip route"));
    let routes = String::from_utf8_lossy(&routes.stdout).into_owned();
    assert!(!routes.contains("default") && routes.contains("dev eth0"), "it has a route out: {routes}");
    println!("\n{} addresses outside were tried from 3 places: reached by the control only", addresses.len() + 1);
}

/// No container of the sidecar is on a network besides the agents' own, and no request changes that for what agents make.
pub(crate) fn no_other_network_can_be_joined(scene: &Scene) {
    for container in [AGENT, BROKER] {
        assert_eq!(networks(scene, container), "dev-internal ", "{container}");
    }
    for network in ["dev-egress", "host", "container:vault"] {
        let create = ["create", "--name", "agent1-net", "--network", network, "postgres:16"];
        let said = scene.refused(&create);
        assert!(said.contains("HostConfig.NetworkMode") || said.contains("NetworkingConfig"), "{said}");
    }
    for network in ["bridge", "default", "dev-internal"] {
        scene.agent(&["create", "--name", "agent1-net", "--network", network, "postgres:16"]);
        assert_eq!(networks(scene, "agent1-net"), "dev-internal ", "asked for {network}");
        scene.agent(&["rm", "agent1-net"]);
    }
    let probe = Probe::start(scene);
    // what was not granted does not exist for an agent; what every engine has is refused
    let said = scene.fails(&["network", "connect", "dev-egress", Probe::NAME]);
    assert!(said.contains("network dev-egress not found"), "{said}");
    scene.refused(&["network", "connect", "bridge", Probe::NAME]);
    assert_eq!(networks(scene, Probe::NAME), "dev-internal ");
    drop(probe);
}

/// A container that the agent made, with a busybox copied into it.
struct Probe<'a> {
    scene: &'a Scene,
}

impl<'a> Probe<'a> {
    const NAME: &'static str = "agent1-probe";

    fn start(scene: &'a Scene) -> Self {
        let lab = scene.upstream.ancestors().nth(2).expect("the lab's folder").join("busybox");
        scene.agent(&["run", "-d", "--name", Self::NAME, "--entrypoint", "sleep", "postgres:16", "600"]);
        let probe = Self { scene };
        scene.agent(&["cp", &lab.display().to_string(), &format!("{}:{BUSYBOX}", Self::NAME)]);
        probe
    }

    /// By an exec through the broker.
    fn run(&self, script: &str) -> Output {
        support::docker(Engine::New, &self.scene.socket, &["exec", Self::NAME, "sh", "-c", script])
    }
}

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        let _ = support::docker(Engine::New, &self.scene.socket, &["rm", "--force", "--volumes", Self::NAME]);
    }
}

/// Which of these addresses answer. Every place has a busybox, somewhere.
fn reached<'a>(addresses: &[&'a str], run: impl Fn(&str) -> Output) -> Vec<&'a str> {
    let script = format!(
        "nc=$(command -v nc || command -v busybox || echo {BUSYBOX}); case $nc in *busybox) nc=\"$nc nc\";; esac
         $nc --help >/dev/null 2>&1 || {{ echo no nc; exit 3; }}
         for address in {}; do
           ( answer=$(printf 'GET / HTTP/1.0\\r\\n\\r\\n' | $nc -w 3 $address {PORT} 2>/dev/null)
             case $answer in *reached*) echo \"$address\";; esac ) &
         done; wait",
        addresses.join(" ")
    );
    let output = run(&script);
    assert!(output.status.success(), "{}", text(&output));
    let answered = String::from_utf8_lossy(&output.stdout).into_owned();
    addresses.iter().copied().filter(|address| answered.lines().any(|line| line == *address)).collect()
}

fn direct(scene: &Scene, container: &str, script: &str) -> Output {
    support::docker(Engine::New, &scene.upstream, &["exec", container, "sh", "-c", script])
}

fn address(scene: &Scene, container: &str) -> String {
    scene.engine(&["inspect", "--format", "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}", container])
}

fn networks(scene: &Scene, container: &str) -> String {
    let format = "{{range $name, $_ := .NetworkSettings.Networks}}{{$name}} {{end}}";
    scene.engine(&["inspect", "--format", format, container]) + " "
}

const BUSYBOX: &str = "/tmp/busybox";
