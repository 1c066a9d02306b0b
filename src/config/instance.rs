//! The name of a broker that was given none: the same after every restart, and another one for another broker.
//!
//! It ends up in labels on the engine's objects, so its derivation must never change: after an update the broker would
//! no longer know what it owns.

use std::fs;
use std::path::Path;

/// An instance, and what it was derived from where that may change.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Derived {
    pub(super) instance: String,
    pub(super) warning: Option<&'static str>,
}

/// Derives the instance from this machine and the path of its first listener.
pub(super) fn derive(listen: &Path) -> Derived {
    let read = |path: &str| fs::read_to_string(path).ok().map(|text| text.trim().to_owned());
    let machine = read("/etc/machine-id").filter(|id| is_machine_id(id));
    let (machine, warning) = match machine {
        Some(machine) => (machine, None),
        None => (read("/proc/sys/kernel/hostname").unwrap_or_default(), Some(NO_MACHINE_ID)),
    };
    Derived { instance: name(&machine, listen), warning }
}

fn name(machine: &str, listen: &Path) -> String {
    let text = format!("{machine}\n{}", listen.display());
    let mut name = format!("{:016x}", fnv_1a(text.as_bytes()));
    name.truncate(12);
    name
}

/// 32 hexadecimal digits (machine-id(5)); an image under construction holds `uninitialized`.
fn is_machine_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// FNV-1a with 64 bits (RFC 9923): stable, and enough where nobody gains by a collision.
pub(super) fn fnv_1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

const NO_MACHINE_ID: &str = "this machine has no /etc/machine-id, so the broker's instance comes from the host name; \
                             say --instance, or a new host name will not know what the old one owns";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_the_published_one() {
        // the test vectors of the FNV authors
        assert_eq!(fnv_1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv_1a(b"a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(fnv_1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_name_is_stable_and_differs_by_machine_and_path() {
        let machine = "0123456789abcdef0123456789abcdef";
        let main = name(machine, Path::new("/run/docker-broker/docker.sock"));
        assert_eq!(main, "42410c5fb1ca");
        assert_ne!(main, name(machine, Path::new("/run/docker-broker/other.sock")));
        assert_ne!(main, name("fedcba9876543210fedcba9876543210", Path::new("/run/docker-broker/docker.sock")));
    }

    #[test]
    fn what_is_no_machine_id_is_not_taken_for_one() {
        for odd in ["", "uninitialized", "0123", &"g".repeat(32)] {
            assert!(!is_machine_id(odd), "{odd}");
        }
    }
}
