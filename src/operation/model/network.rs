//! Networks and published ports of a container, as `ContainerCreate` asks for them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::neutral::{is_zero, null_is_zero, null_values_are_zero};
use super::value::StringMap;

/// The networks that a container joins at creation.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct NetworkingConfig {
    /// **Host power**: network name or ID to settings; several since 1.44. `default` is the name of none. A `null`
    /// value is an endpoint without settings.
    #[serde(deserialize_with = "null_values_are_zero", skip_serializing_if = "is_zero")]
    pub endpoints_config: BTreeMap<String, EndpointSettings>,
}

/// A container's place in one network. The operational fields are the engine's answers; clients send them empty.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct EndpointSettings {
    /// Fixed addresses.
    #[serde(rename = "IPAMConfig", skip_serializing_if = "Option::is_none")]
    pub ipam_config: Option<EndpointIPAMConfig>,
    /// `container:alias` of other containers, legacy.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub links: Vec<String>,
    /// DNS names for all members of the network; may shadow the names of others.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub aliases: Vec<String>,
    /// Fixed hardware address; may impersonate another member. Operational before 1.44.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub mac_address: String,
    /// **Host power**: options of the network driver, such as sysctls (since 1.46). Since 1.32.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub driver_opts: StringMap,
    /// The endpoint with the highest one gives the default gateway; may be negative. Since 1.48.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub gw_priority: i64,
    /// **Host power**: operational, yet an engine attaches to the network that it names, whatever the key.
    #[serde(rename = "NetworkID", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub network_id: String,
    /// Operational.
    #[serde(rename = "EndpointID", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub endpoint_id: String,
    /// Operational: IPv4 address.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub gateway: String,
    /// Operational: IPv4 address.
    #[serde(rename = "IPAddress", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ip_address: String,
    /// Operational: bits.
    #[serde(rename = "IPPrefixLen", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ip_prefix_len: i64,
    /// Operational: IPv6 address.
    #[serde(rename = "IPv6Gateway", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ipv6_gateway: String,
    /// Operational: IPv6 address.
    #[serde(rename = "GlobalIPv6Address", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub global_ipv6_address: String,
    /// Operational: bits.
    #[serde(rename = "GlobalIPv6PrefixLen", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub global_ipv6_prefix_len: i64,
    /// Operational: all DNS names of the endpoint. Since 1.44.
    #[serde(rename = "DNSNames", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub dns_names: Vec<String>,
}

/// Fixed addresses of a container in one network; may impersonate another member.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct EndpointIPAMConfig {
    /// IPv4 address, inside a subnet of the network.
    #[serde(rename = "IPv4Address", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ipv4_address: String,
    /// IPv6 address, inside a subnet of the network.
    #[serde(rename = "IPv6Address", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub ipv6_address: String,
    /// Further addresses of link-local ranges.
    #[serde(rename = "LinkLocalIPs", deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub link_local_ips: Vec<String>,
}

/// One place on the host where a container port is published.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct PortBinding {
    /// **Host power**: address of the host to listen on; empty is all of them.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub host_ip: String,
    /// **Host power**: port or range `from-to`; empty or `0` lets the engine choose a free one.
    #[serde(deserialize_with = "null_is_zero", skip_serializing_if = "is_zero")]
    pub host_port: String,
}
