//! What an engine says of itself, for the people who set a broker up.
//!
//! Nothing here is a fact for a judge: see [`facts`](super::facts). Must never ask with anything but a `GET`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::engine::Engine;
use super::error::UpstreamError;
use crate::request::percent;

/// An engine as it describes itself in `/version` and `/info`. What it does not say is empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Survey {
    /// Its own version, as `28.5.2`.
    pub version: String,
    /// The newest API version that it speaks.
    pub api: String,
    /// The oldest one.
    pub oldest_api: String,
    /// The names of its parts: `Engine` for Docker, `Podman Engine` for Podman.
    pub components: Vec<String>,
    /// As `name=rootless` or `name=userns`.
    pub security_options: Vec<String>,
    /// What it warns of itself, such as limits that the kernel does not have.
    pub warnings: Vec<String>,
    /// Its clock, in RFC 3339 with nanoseconds.
    pub system_time: String,
}

/// A network, as far as it decides what containers on it can reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NetworkOpenness {
    /// It has no way out.
    pub internal: bool,
    /// Nor one to the host: its bridge has no address there (`gateway_mode_ipv4=isolated`, Docker 28).
    pub isolated: bool,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct VersionAnswer {
    #[serde(rename = "Version")]
    version: String,
    #[serde(rename = "ApiVersion")]
    api: String,
    #[serde(rename = "MinAPIVersion")]
    oldest_api: String,
    #[serde(rename = "Components")]
    components: Option<Vec<ComponentAnswer>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct ComponentAnswer {
    #[serde(rename = "Name")]
    name: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct InfoAnswer {
    security_options: Option<Vec<String>>,
    warnings: Option<Vec<String>>,
    system_time: String,
}

#[derive(Deserialize, Default)]
#[serde(default, rename_all = "PascalCase")]
struct NetworkAnswer {
    internal: bool,
    options: Option<BTreeMap<String, String>>,
}

impl Engine {
    /// Asks an engine what it is.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answers cannot be read.
    pub async fn survey(&self) -> Result<Survey, UpstreamError> {
        let version: Option<VersionAnswer> = self.ask("its version", "/version").await?;
        let VersionAnswer { version, api, oldest_api, components } = version.unwrap_or_default();
        let info: Option<InfoAnswer> = self.ask("what it can do", "/info").await?;
        let InfoAnswer { security_options, warnings, system_time } = info.unwrap_or_default();
        Ok(Survey {
            version,
            api,
            oldest_api,
            components: components.unwrap_or_default().into_iter().map(|component| component.name).collect(),
            security_options: security_options.unwrap_or_default(),
            warnings: warnings.unwrap_or_default(),
            system_time,
        })
    }

    /// What containers on a network can reach; `None` where there is no such network.
    ///
    /// # Errors
    /// When the engine cannot be asked or its answer cannot be read.
    pub async fn network_openness(&self, name: &str) -> Result<Option<NetworkOpenness>, UpstreamError> {
        let mut target = "/networks/".to_owned();
        percent::encode(&mut target, name);
        let answer: Option<NetworkAnswer> = self.ask("a network", &target).await?;
        Ok(answer.map(|NetworkAnswer { internal, options }| {
            let mode = options.unwrap_or_default().remove("com.docker.network.bridge.gateway_mode_ipv4");
            NetworkOpenness { internal, isolated: mode.as_deref() == Some("isolated") }
        }))
    }
}
