//! Kernel capabilities by name, as the engine reads them.
//!
//! Must never take a name for a capability that the engine would take for another: what is not known is none.

/// The name of a capability as the engine writes it, `CAP_NET_ADMIN`, or `ALL`. It is read in any case, with or without
/// `CAP_` (`NormalizeLegacyCapabilities` of the engine's `oci/caps`).
pub(crate) fn canonical(text: &str) -> Option<String> {
    let upper = text.to_ascii_uppercase();
    if upper == ALL {
        return Some(upper);
    }
    let name = upper.strip_prefix("CAP_").unwrap_or(&upper);
    CAPABILITIES.contains(&name).then(|| format!("CAP_{name}"))
}

/// All of them.
pub(crate) const ALL: &str = "ALL";

/// Capabilities of Linux up to 6.x, without their prefix.
const CAPABILITIES: &[&str] = &[
    "AUDIT_CONTROL",
    "AUDIT_READ",
    "AUDIT_WRITE",
    "BLOCK_SUSPEND",
    "BPF",
    "CHECKPOINT_RESTORE",
    "CHOWN",
    "DAC_OVERRIDE",
    "DAC_READ_SEARCH",
    "FOWNER",
    "FSETID",
    "IPC_LOCK",
    "IPC_OWNER",
    "KILL",
    "LEASE",
    "LINUX_IMMUTABLE",
    "MAC_ADMIN",
    "MAC_OVERRIDE",
    "MKNOD",
    "NET_ADMIN",
    "NET_BIND_SERVICE",
    "NET_BROADCAST",
    "NET_RAW",
    "PERFMON",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYSLOG",
    "SYS_ADMIN",
    "SYS_BOOT",
    "SYS_CHROOT",
    "SYS_MODULE",
    "SYS_NICE",
    "SYS_PACCT",
    "SYS_PTRACE",
    "SYS_RAWIO",
    "SYS_RESOURCE",
    "SYS_TIME",
    "SYS_TTY_CONFIG",
    "WAKE_ALARM",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_many_spellings_and_one_meaning() {
        for text in ["net_admin", "NET_ADMIN", "CAP_NET_ADMIN", "cap_Net_Admin"] {
            assert_eq!(canonical(text).as_deref(), Some("CAP_NET_ADMIN"), "{text}");
        }
        assert_eq!(canonical("all").as_deref(), Some("ALL"));
        for text in ["", "CAP_", "CAP_ALL", "CAP_CAP_NET_ADMIN", " NET_ADMIN", "\u{17f}ys_admin", "NET-ADMIN", "ROOT"] {
            assert_eq!(canonical(text), None, "{text}");
        }
    }
}
