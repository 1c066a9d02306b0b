//! The request bodies of the Engine API 1.24 to 1.56, under Docker's own names: one definition reads and writes.
//!
//! A body holds every field that a published specification of these versions names, fields that later versions removed,
//! and what engines read without saying so. Sources: `swagger.yaml` and `docs/v1.NN.yaml` (1.24: `docs/v1.24.md`) of
//! `github.com/moby/moby/api` v1.56.1, and the Go types of the engine.
//!
//! Reading follows Go: `null` is the zero value, and a plain field cannot tell absent from zero. `Option` stands only
//! where the engine can tell. Writing leaves out what is zero, so two bodies that mean the same are written the same.
//!
//! In the field notes, **Host power** marks what reaches past the container; a judge lets it pass only when a policy
//! names it. *Neutral* names a value other than zero that asks for nothing. *Since* and *until* are API versions.
//!
//! This module must never judge, never change a value, and never print one that may be a secret: `Debug` of
//! environment, labels, options and command lines shows keys or counts only. Two things are left to the reader in front
//! of it: serde drops unknown keys, and it takes a JSON array where a body wants an object.

mod container;
mod exec;
mod host_config;
mod mount;
mod network;
mod network_create;
mod neutral;
mod resources;
mod runtime;
mod update;
mod value;
mod volume;

pub use container::{ContainerCreateBody, HealthConfig};
pub use exec::{ExecConfig, ExecStartConfig};
pub use host_config::HostConfig;
pub use mount::{BindOptions, ClusterOptions, DriverConfig, ImageOptions, Mount, TmpfsOptions, VolumeOptions};
pub use network::{EndpointIPAMConfig, EndpointSettings, NetworkingConfig, PortBinding};
pub use network_create::{
    ConfigReference, IPAM, IPAMConfig, NetworkConnectRequest, NetworkCreateRequest, NetworkDisconnectRequest,
};
pub use resources::{DeviceMapping, DeviceRequest, ThrottleDevice, Ulimit, WeightDevice};
pub use runtime::{LogConfig, RestartPolicy};
pub use update::ContainerUpdateBody;
pub use value::{Arguments, ConsoleSize, EmptyObject, EnvList, Ignored, StringList, StringMap};
pub use volume::{ClusterVolumeSpec, VolumeCreateRequest};

#[cfg(test)]
mod tests;
