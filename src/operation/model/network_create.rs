//! Bodies of `NetworkCreate`, `NetworkConnect` and `NetworkDisconnect`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::network::EndpointSettings;
use super::neutral::{is_zero, null_is_zero, null_values_are_zero};
use super::value::StringMap;

/// Body of `NetworkCreate`, `POST /networks/create`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkCreateRequest {
    /// Its name; engines take nearly every text.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub name: String,
    /// Refuses a name that exists already; until 1.45, later engines always do.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub check_duplicate: bool,
    /// **Host power**: the driver; a plugin by name. Neutral: `bridge`, which empty means.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub driver: String,
    /// **Host power**: `swarm` reaches other nodes. Neutral: `local`. Since 1.41.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub scope: String,
    /// No way out of the network, nor into it.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub internal: bool,
    /// Containers may join a network of a swarm; since 1.27.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub attachable: bool,
    /// **Host power**: the network by which a swarm publishes ports; since 1.29.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ingress: bool,
    /// Only a template for other networks; since 1.41.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub config_only: bool,
    /// **Host power**: takes its settings from another network; since 1.41.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub config_from: Option<ConfigReference>,
    /// **Host power**: subnets, which may shadow routes of the host.
    #[serde(rename = "IPAM", skip_serializing_if = "Option::is_none")]
    pub ipam: Option<IPAM>,
    /// Gives addresses of IPv4; since 1.47. Neutral: `true`.
    #[serde(rename = "EnableIPv4", skip_serializing_if = "Option::is_none")]
    pub enable_ipv4: Option<bool>,
    /// Gives addresses of IPv6. Absent is what the engine is configured for, and `false` is not.
    #[serde(rename = "EnableIPv6", skip_serializing_if = "Option::is_none")]
    pub enable_ipv6: Option<bool>,
    /// The same as engines read it too; docker-java sends both, as `null`.
    #[serde(rename = "enableIPv6", skip_serializing_if = "Option::is_none")]
    pub enable_ipv6_lower: Option<bool>,
    /// **Host power**: options of the driver: bridges of the host, masquerading, addresses to publish on.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub options: StringMap,
    /// Labels.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub labels: StringMap,
}

/// The network that another takes its settings from.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct ConfigReference {
    /// Its name; empty is none.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub network: String,
}

/// How addresses are given on a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct IPAM {
    /// **Host power**: a plugin by name. Neutral: `default`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub driver: String,
    /// Options of that driver.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub options: StringMap,
    /// The subnets; none lets the engine choose.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub config: Vec<IPAMConfig>,
}

/// One subnet of a network.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct IPAMConfig {
    /// `address/bits`.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub subnet: String,
    /// The part of it that containers get addresses from, as `address/bits`.
    #[serde(rename = "IPRange", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ip_range: String,
    /// The host's address on it.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub gateway: String,
    /// Addresses that are kept free, by name.
    #[serde(deserialize_with = "null_values_are_zero", skip_serializing_if = "is_zero")]
    pub auxiliary_addresses: BTreeMap<String, String>,
}

/// Body of `NetworkConnect`, `POST /networks/{id}/connect`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkConnectRequest {
    /// Name, ID or ID prefix, as the client spelled it; the full ID once it was judged.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub container: String,
    /// The container's place in the network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint_config: Option<EndpointSettings>,
}

/// Body of `NetworkDisconnect`, `POST /networks/{id}/disconnect`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkDisconnectRequest {
    /// Name, ID or ID prefix, as the client spelled it; the full ID once it was judged.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub container: String,
    /// Forget the endpoint although the container is gone, or does not let go.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub force: bool,
}
