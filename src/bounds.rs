//! The bounds on the broker itself: one definition for defaults, flags, environment variables and `--help`.
//!
//! Must never hold a bound on what clients may do with the engine: that is policy.

use std::time::Duration;

use clap::Args;

/// Bounds that keep one client from starving the others.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(next_help_heading = "Bounds on the broker itself")]
pub struct Bounds {
    /// Most bytes of a request's head
    #[arg(long, env = "BROKER_HEADER_BYTES", default_value_t = 32 * 1024, value_parser = clap::value_parser!(u32).range(8192..=1_048_576))]
    pub header_bytes: u32,
    /// Most header fields of a request
    #[arg(long, env = "BROKER_HEADER_FIELDS", default_value_t = 100, value_parser = clap::value_parser!(u16).range(10..=1000))]
    pub header_fields: u16,
    /// Time from the first byte of a head to its last
    #[arg(long, env = "BROKER_HEADER_TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub header_time: Duration,
    /// Time that a request's body may pause
    #[arg(long, env = "BROKER_BODY_TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub body_time: Duration,
    /// Most bytes of a JSON body, other than a container create's
    #[arg(long, env = "BROKER_JSON_BYTES", default_value_t = 1024 * 1024)]
    pub json_bytes: usize,
    /// Most bytes of a container create's JSON body
    #[arg(long, env = "BROKER_CREATE_BYTES", default_value_t = 256 * 1024)]
    pub create_bytes: usize,
    /// Deepest nesting of a JSON body
    #[arg(long, env = "BROKER_JSON_DEPTH", default_value_t = 32)]
    pub json_depth: usize,
    /// Most connections of one peer (user ID)
    #[arg(long, env = "BROKER_CONNECTIONS_PER_PEER", default_value_t = 1024)]
    pub connections_per_peer: usize,
    /// Most connections in all
    #[arg(long, env = "BROKER_CONNECTIONS", default_value_t = 16_384)]
    pub connections: usize,
    /// Most hijacks and other streams at a time of one owner
    #[arg(long, env = "BROKER_STREAMS_PER_OWNER", default_value_t = 512)]
    pub streams_per_owner: usize,
    /// Most bytes of an answer of the engine that is read whole
    #[arg(long, env = "BROKER_ANSWER_BYTES", default_value_t = 64 * 1024 * 1024)]
    pub answer_bytes: usize,
    /// Time within which the engine owes a prompt answer; work such as a create or a start has four times as long
    #[arg(long, env = "BROKER_ANSWER_TIME", default_value = "30s", value_parser = humantime::parse_duration)]
    pub answer_time: Duration,
    /// Most bytes of content of an archive that goes into a container
    #[arg(long, env = "BROKER_ARCHIVE_BYTES", default_value_t = 1024 * 1024 * 1024)]
    pub archive_bytes: u64,
    /// Most entries of an archive that goes into a container
    #[arg(long, env = "BROKER_ARCHIVE_ENTRIES", default_value_t = 100_000)]
    pub archive_entries: u64,
    /// Time that open requests have to end after SIGTERM
    #[arg(long, env = "BROKER_DRAIN_TIME", default_value = "10s", value_parser = humantime::parse_duration)]
    pub drain_time: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            header_bytes: 32 * 1024,
            header_fields: 100,
            header_time: Duration::from_secs(10),
            body_time: Duration::from_secs(30),
            json_bytes: 1024 * 1024,
            create_bytes: 256 * 1024,
            json_depth: 32,
            connections_per_peer: 1024,
            connections: 16_384,
            streams_per_owner: 512,
            answer_bytes: 64 * 1024 * 1024,
            answer_time: Duration::from_secs(30),
            archive_bytes: 1024 * 1024 * 1024,
            archive_entries: 100_000,
            drain_time: Duration::from_secs(10),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Only {
        #[command(flatten)]
        bounds: Bounds,
    }

    #[test]
    fn the_flags_and_the_defaults_are_the_same_numbers() {
        let parsed = Only::parse_from(["broker"]).bounds;
        assert_eq!(format!("{parsed:?}"), format!("{:?}", Bounds::default()));
    }
}
