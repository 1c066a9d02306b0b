//! Judges fixed addresses of a container, and what it tells the driver of a network.
//!
//! Must never let a container take an address on a network that the policy attaches it to: there it could take another's
//! place.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::container_create::ID;
use super::denial::{Denial, shown};
use super::facts::NetworkFacts;
use super::file::keys;
use super::judge::Judge;
use super::kernel;
use crate::operation::model::{EndpointIPAMConfig, StringMap};

/// What one endpoint asks for besides its network.
pub(super) struct Asked<'a> {
    pub(super) ipam_config: Option<&'a EndpointIPAMConfig>,
    pub(super) mac_address: &'a str,
    pub(super) driver_opts: &'a StringMap,
    pub(super) gw_priority: i64,
    pub(super) links: &'a [String],
}

impl Asked<'_> {
    /// Judges all of it but the containers that links name. `found` is the network of the endpoint; none where it is
    /// replaced by another.
    pub(super) fn decide(&self, judge: &Judge<'_>, place: &str, found: Option<&NetworkFacts>) -> Result<(), Denial> {
        let Self { ipam_config, mac_address, driver_opts, gw_priority, links } = self;
        let host = &judge.policy.containers.host;
        let addresses = (host.addresses, keys::CONTAINERS_HOST_ADDRESSES);
        let asked = [
            ("IPAMConfig", ipam_config.is_some(), addresses),
            ("MacAddress", !mac_address.is_empty(), addresses),
            ("DriverOpts", !driver_opts.0.is_empty(), addresses),
            ("GwPriority", *gw_priority != 0, addresses),
            ("Links", !links.is_empty(), (host.links, keys::CONTAINERS_HOST_LINKS)),
        ];
        for (field, is_asked, (granted, key)) in asked {
            if !is_asked {
                continue;
            }
            let place = format!("{place}.{field}");
            if !granted {
                return Err(judge.refuse(ID, place, "a value", "no value of the client's", key));
            }
            if !is_free(judge, found) {
                let why = "on a network that is shared with others it could take another's place";
                return Err(judge.floor(ID, place, "a value", why));
            }
        }
        if let Some(config) = ipam_config {
            fixed(judge, &format!("{place}.IPAMConfig"), config)?;
        }
        mac(judge, &format!("{place}.MacAddress"), mac_address)?;
        driver_options(judge, &format!("{place}.DriverOpts"), driver_opts)
    }
}

/// Judges Config's own MAC address, which is that of the main network.
pub(super) fn container_mac(judge: &Judge<'_>, address: &str) -> Result<(), Denial> {
    if address.is_empty() {
        return Ok(());
    }
    if !judge.policy.containers.host.addresses {
        let key = keys::CONTAINERS_HOST_ADDRESSES;
        return Err(judge.refuse(ID, "MacAddress", shown(address), "no value of the client's", key));
    }
    if !judge.policy.containers.attach.is_empty() {
        let why = "on a network that is shared with others it could take another's place";
        return Err(judge.floor(ID, "MacAddress", shown(address), why));
    }
    mac(judge, "MacAddress", address)
}

/// Whether an endpoint asks for an address at all.
pub(super) fn is_set(config: &EndpointIPAMConfig) -> bool {
    let EndpointIPAMConfig { ipv4_address, ipv6_address, link_local_ips } = config;
    !ipv4_address.is_empty() || !ipv6_address.is_empty() || !link_local_ips.is_empty()
}

/// A network of the policy's `attach` is shared with others, and so is what replaces the default one.
fn is_free(judge: &Judge<'_>, found: Option<&NetworkFacts>) -> bool {
    found.is_some_and(|network| {
        judge.stamp.owner.owns(&network.labels) || !judge.policy.containers.attach.contains(&network.name)
    })
}

fn fixed(judge: &Judge<'_>, place: &str, config: &EndpointIPAMConfig) -> Result<(), Denial> {
    let EndpointIPAMConfig { ipv4_address, ipv6_address, link_local_ips } = config;
    let fits = [
        ("IPv4Address", ipv4_address, ipv4_address.is_empty() || ipv4_address.parse::<Ipv4Addr>().is_ok()),
        ("IPv6Address", ipv6_address, ipv6_address.is_empty() || ipv6_address.parse::<Ipv6Addr>().is_ok()),
    ];
    let local = link_local_ips.iter().map(|text| ("LinkLocalIPs", text, text.parse::<IpAddr>().is_ok()));
    match fits.into_iter().chain(local).find(|(_, _, fits)| !fits) {
        None => Ok(()),
        Some((field, text, _)) => Err(judge.floor(ID, format!("{place}.{field}"), shown(text), "it is an IP address")),
    }
}

fn mac(judge: &Judge<'_>, place: &str, text: &str) -> Result<(), Denial> {
    let pair = |pair: &str| pair.len() == 2 && pair.bytes().all(|b| b.is_ascii_hexdigit());
    if text.is_empty() || (text.split(':').count() == 6 && text.split(':').all(pair)) {
        return Ok(());
    }
    Err(judge.floor(ID, place, shown(text), "it is like `02:42:ac:11:00:02`"))
}

/// Options are Docker's own; the kernel parameters among them follow the rule for kernel parameters.
fn driver_options(judge: &Judge<'_>, place: &str, options: &StringMap) -> Result<(), Denial> {
    for (key, value) in &options.0 {
        let place = format!("{place}[{key}]");
        if !key.starts_with("com.docker.network.") || value.chars().any(char::is_control) {
            let why = "options of an endpoint begin with `com.docker.network.`";
            return Err(judge.floor(ID, place, shown(key), why));
        }
        if key == SYSCTLS {
            for assignment in value.split(',') {
                let (name, _) = assignment.split_once('=').unwrap_or((assignment, ""));
                kernel::sysctl(judge, &place, name)?;
            }
        }
    }
    Ok(())
}

/// Kernel parameters of one interface, `net.ipv4.conf.IFNAME.forwarding=1,…`, since API 1.46.
const SYSCTLS: &str = "com.docker.network.endpoint.sysctls";
