//! Files in a home directory that tell clients where their engine is.
//!
//! Formats: `.testcontainers.properties` is a Java properties file (`java.util.Properties`), `.docker/config.json` the
//! docker CLI's. Must never repeat any other value of them: the latter holds registry passwords.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{Lead, is_same, shown};
use crate::config::environment::Environment;
use crate::upstream::address::Address;

/// What the files below `HOME` say that leads clients past the broker at this address. A file that is not there, or
/// that this user cannot read, says nothing to clients either.
pub(in crate::cli) fn misleading_files(environment: &Environment, broker: &Address) -> Vec<Lead> {
    let Some(home) = environment.value("HOME").map(PathBuf::from) else { return Vec::new() };
    let path = home.join(".testcontainers.properties");
    let mut leads = in_properties(&path, &read(&path).unwrap_or_default(), broker);
    let directory = environment.value("DOCKER_CONFIG").map_or_else(|| home.join(".docker"), PathBuf::from);
    let path = directory.join("config.json");
    // the CLI looks at its context only where nothing names a host
    if environment.value("DOCKER_HOST").is_none() {
        leads.extend(read(&path).and_then(|text| in_cli_config(&path, &text)));
    }
    leads
}

/// `tc.host` wins over `DOCKER_HOST` in every Testcontainers library; `docker.host` counts where `DOCKER_HOST` is not set.
fn in_properties(path: &Path, text: &str, broker: &Address) -> Vec<Lead> {
    let path = path.display();
    let leads_elsewhere =
        |value: &str| Address::parse(value).map_or(true, |address| !is_same(address.path(), broker.path()));
    let lead = |(name, value): (String, String)| {
        let why = match name.as_str() {
            "tc.host" if leads_elsewhere(&value) => "Testcontainers take it before `DOCKER_HOST`",
            "docker.host" if leads_elsewhere(&value) => "Testcontainers take it where `DOCKER_HOST` is not set",
            "docker.tls.verify" | "docker.cert.path" => "Testcontainers speak TLS, which a Unix socket does not",
            "host.override" => "Testcontainers look for published ports there",
            _ => return None,
        };
        Some(Lead {
            what: format!("`{path}` sets `{name}` to `{}`: {why}", shown(&value)),
            advice: format!("take the line `{name}` out of `{path}`, or give clients of the broker another `HOME`"),
        })
    };
    properties(text).into_iter().filter_map(lead).collect()
}

fn in_cli_config(path: &Path, text: &str) -> Option<Lead> {
    #[derive(Deserialize)]
    struct CliConfig {
        #[serde(rename = "currentContext", default)]
        current_context: String,
    }
    let CliConfig { current_context } = serde_json::from_str(text).ok()?;
    let is_default = matches!(current_context.as_str(), "" | "default");
    (!is_default).then(|| Lead {
        what: format!("`{}` makes `{}` the docker CLI's context", path.display(), shown(&current_context)),
        advice: "set `DOCKER_HOST`, which wins over it, or `docker context use default`".to_owned(),
    })
}

/// Keys and values as `java.util.Properties` reads them, but for `\u` escapes, which no address needs.
fn properties(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let mut whole = line.trim_start().to_owned();
        if whole.is_empty() || whole.starts_with(['#', '!']) {
            continue;
        }
        while continues(&whole) {
            whole.pop();
            match lines.next() {
                Some(next) => whole.push_str(next.trim_start()),
                None => break,
            }
        }
        found.push(key_and_value(&whole));
    }
    found
}

/// Whether an odd number of backslashes stands at the end.
fn continues(line: &str) -> bool {
    line.chars().rev().take_while(|character| *character == '\\').count() % 2 == 1
}

/// Cuts at the first `=`, `:` or blank that is not escaped.
fn key_and_value(line: &str) -> (String, String) {
    let mut key = String::new();
    let mut rest = line.chars();
    loop {
        match rest.next() {
            Some('\\') => key.extend(rest.next()),
            None | Some('=' | ':') => break,
            Some(blank) if blank.is_whitespace() => {
                let after = rest.as_str().trim_start();
                rest = after.strip_prefix(['=', ':']).unwrap_or(after).chars();
                break;
            }
            Some(character) => key.push(character),
        }
    }
    let mut value = String::new();
    let mut rest = rest.as_str().trim_start().chars();
    while let Some(character) = rest.next() {
        value.extend(if character == '\\' { rest.next() } else { Some(character) });
    }
    (key, value)
}

/// The text of a file, within a bound.
fn read(path: &Path) -> Option<String> {
    let mut text = String::new();
    let file = std::fs::File::open(path).ok().filter(|file| file.metadata().is_ok_and(|data| data.is_file()))?;
    file.take(LARGEST).read_to_string(&mut text).ok()?;
    Some(text)
}

/// Most bytes that are read of a file of settings.
const LARGEST: u64 = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn broker() -> Address {
        Address::parse("unix:///run/docker-broker/docker.sock").unwrap()
    }

    fn in_text(text: &str) -> Vec<String> {
        let leads = in_properties(Path::new("/home/dev/.testcontainers.properties"), text, &broker());
        leads.into_iter().map(|lead| lead.what).collect()
    }

    #[test]
    fn a_host_is_found_in_every_way_that_java_reads_it() {
        for line in [
            "tc.host=tcp://127.0.0.1:2375",
            "tc.host = tcp://127.0.0.1:2375",
            "  tc.host:tcp://127.0.0.1:2375",
            "tc.host tcp\\://127.0.0.1\\:2375",
            "#x\n!y\n\ntc.ho\\\n  st=tcp\\\n  ://127.0.0.1:2375\nother=1",
        ] {
            let found = in_text(line);
            assert_eq!(found.len(), 1, "{line}");
            assert!(found[0].contains("sets `tc.host` to `tcp://127.0.0.1:2375`"), "{}", found[0]);
        }
    }

    #[test]
    fn comments_other_keys_and_the_broker_itself_mislead_nobody() {
        let text = "#tc.host=tcp://x\n!docker.host=y\nryuk.disabled=true\ntestcontainers.reuse.enable = true\n\
                    tc.host=unix\\:///run/docker-broker/docker.sock\ndocker.host=/run/docker-broker/docker.sock\n\\";
        assert_eq!(in_text(text), [""; 0]);
    }

    #[test]
    fn a_saved_host_counts_where_no_variable_names_one() {
        let found = in_text("docker.host=unix\\:///var/run/docker.sock\ndocker.tls.verify=1\n");
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found[0].contains("where `DOCKER_HOST` is not set"), "{}", found[0]);
    }

    #[test]
    fn the_context_of_the_cli_counts_only_without_docker_host_and_nothing_else_of_its_file_is_said() {
        let home = tempfile::tempdir().unwrap();
        std::fs::create_dir(home.path().join(".docker")).unwrap();
        let text = r#"{"auths":{"x":{"auth":"c2VjcmV0"}},"currentContext":"desktop-linux"}"#;
        std::fs::write(home.path().join(".docker/config.json"), text).unwrap();
        let directory = home.path().to_str().unwrap();
        let leads = misleading_files(&Environment::from([("HOME", directory)]), &broker());
        assert_eq!(leads.len(), 1);
        assert!(leads[0].what.contains("`desktop-linux`") && !leads[0].what.contains("c2Vj"), "{leads:?}");
        let set = Environment::from([("HOME", directory), ("DOCKER_HOST", "unix:///x.sock")]);
        assert_eq!(misleading_files(&set, &broker()), []);
        assert_eq!(misleading_files(&Environment::default(), &broker()), []);
    }
}
