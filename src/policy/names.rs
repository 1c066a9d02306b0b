//! Judges names and addresses that a container knows of others: name servers, /etc/hosts, and links to containers.
//!
//! They go into files that the engine writes, so each is one plain word. Must never link to a container that is not the
//! owner's.

use std::net::IpAddr;

use super::container_create::{ID, patterns};
use super::denial::{Denial, shown};
use super::facts::Facts;
use super::file::keys;
use super::judge::Judge;
use super::namespaces;
use super::pattern::Pattern;

/// Judges name servers, options and search domains, which one switch grants.
pub(super) fn dns(judge: &Judge<'_>, servers: &[String], options: &[String], search: &[String]) -> Result<(), Denial> {
    let lists = [("Dns", servers), ("DnsOptions", options), ("DnsSearch", search)];
    for (field, words) in lists {
        let Some(first) = words.first() else { continue };
        if !judge.policy.containers.host.dns {
            let place = format!("HostConfig.{field}");
            return Err(judge.refuse(
                ID,
                place,
                shown(first),
                "the engine's own name servers",
                keys::CONTAINERS_HOST_DNS,
            ));
        }
        let fits = |word: &String| match field {
            "Dns" => word.parse::<IpAddr>().is_ok(),
            _ => {
                !word.is_empty()
                    && word.len() <= 255
                    && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._:".contains(&b))
            }
        };
        if let Some((index, word)) = words.iter().enumerate().find(|(_, word)| !fits(word)) {
            let why = if field == "Dns" { "a name server is an IP address" } else { "it is one plain word" };
            return Err(judge.floor(ID, format!("HostConfig.{field}[{index}]"), shown(word), why));
        }
    }
    Ok(())
}

/// Judges entries of /etc/hosts, `name:address`. The host itself, `host-gateway`, has to be named.
pub(super) fn extra_hosts(judge: &Judge<'_>, entries: &[String]) -> Result<(), Denial> {
    let granted = &judge.policy.containers.host.extra_hosts;
    for (index, entry) in entries.iter().enumerate() {
        let place = format!("HostConfig.ExtraHosts[{index}]");
        let (name, address) = entry.split_once(':').unwrap_or((entry, ""));
        let bare = address.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(address);
        if !is_host_name(name) || !(address == GATEWAY || bare.parse::<IpAddr>().is_ok()) {
            let why = "it is `name:address`, with an IP address or `host-gateway`";
            return Err(judge.floor(ID, place, shown(entry), why));
        }
        let names_it = |pattern: &Pattern| address != GATEWAY || pattern.as_str().ends_with(GATEWAY);
        if !granted.iter().any(|pattern| names_it(pattern) && pattern.matches(entry)) {
            let allowed = patterns(granted.iter().map(Pattern::as_str));
            return Err(judge.refuse(ID, place, shown(entry), allowed, keys::CONTAINERS_HOST_EXTRA_HOSTS));
        }
    }
    Ok(())
}

/// Judges links, `container[:alias]`; gives them with the container by its full ID. Up to engine 28 a link shows the
/// environment of the other container.
pub(super) fn links(judge: &Judge<'_>, place: &str, links: &[String], facts: &Facts) -> Result<Vec<String>, Denial> {
    let judge_one = |(index, link): (usize, &String)| {
        let place = format!("{place}[{index}]");
        if !judge.policy.containers.host.links {
            return Err(judge.refuse(ID, place, shown(link), "no links", keys::CONTAINERS_HOST_LINKS));
        }
        let name = namespaces::linked_name(link);
        let alias = link.split_once(':').map_or(name, |(_, alias)| alias.rsplit('/').next().unwrap_or_default());
        if !is_host_name(alias) {
            return Err(judge.floor(ID, place, shown(link), "it is `container:alias`, with a plain name as alias"));
        }
        let found = namespaces::own(judge, &place, name, facts)?;
        Ok(format!("{}:{alias}", found.id))
    };
    links.iter().enumerate().map(judge_one).collect()
}

fn is_host_name(text: &str) -> bool {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    (1..=253).contains(&text.len()) && text.bytes().all(plain)
}

/// The word for the host's own address.
const GATEWAY: &str = "host-gateway";
