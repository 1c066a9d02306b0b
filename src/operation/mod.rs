//! The closed world of things that can be asked of an engine: words become an [`Operation`], and an operation becomes
//! the request that the engine gets.
//!
//! Nothing behind this room sees a path, a query or a body of the client again. Must never decide what is allowed,
//! and must never keep something it did not understand.

pub mod container;
pub mod encoded;
pub mod exec;
pub mod image;
pub mod model;
pub mod names;
pub mod network;
pub mod routes;
pub mod system;
pub mod volume;

use container::{ContainerAction, ContainerCreate, ContainerOperation};
use encoded::{EncodeError, Encoded, HijackStyle};
use exec::{ExecAction, ExecOperation};
use image::ImageOperation;
use names::{ContainerRef, ExecId};
use network::NetworkOperation;
use routes::Kind;
use system::{PruneOperation, SystemOperation};
use volume::VolumeOperation;

use crate::request::{ApiRequest, JsonBounds, RequestError, read_body};

/// One typed operation of the Engine API.
#[derive(Debug, Clone)]
pub enum Operation {
    /// The engine as a whole.
    System(SystemOperation),
    /// Images.
    Image(ImageOperation),
    /// Containers.
    Container(ContainerOperation),
    /// Exec instances.
    Exec(ExecOperation),
    /// Networks.
    Network(NetworkOperation),
    /// Volumes.
    Volume(VolumeOperation),
    /// The prunes.
    Prune(PruneOperation),
}

/// Why words did not become an operation.
#[derive(Debug, thiserror::Error)]
pub enum ParseError {
    /// The words are malformed.
    #[error(transparent)]
    Request(#[from] RequestError),
    /// An exec ID that cannot exist; the engine's own answer is 404.
    #[error("No such exec instance: {0}")]
    NoSuchExec(String),
}

impl Operation {
    /// Reads an operation from the words of a request. `name` is what stood in the path, `body` the whole JSON body
    /// (empty for operations without one, and for archives, which are streamed).
    ///
    /// # Errors
    /// When query or body are malformed, ambiguous, or hold something unknown that has a value.
    #[expect(clippy::too_many_lines, reason = "one line an operation: the closed world in one place")]
    pub fn parse(
        kind: Kind,
        name: String,
        request: &ApiRequest,
        body: &[u8],
        bounds: &JsonBounds,
    ) -> Result<Self, ParseError> {
        let query = &request.query;
        let act = |name: String, action| {
            Self::Container(ContainerOperation::Act { container: ContainerRef::new(name), action })
        };
        Ok(match kind {
            Kind::SystemPing => Self::System(SystemOperation::Ping),
            Kind::SystemPingHead => Self::System(SystemOperation::PingHead),
            Kind::SystemInfo => Self::System(SystemOperation::Info),
            Kind::SystemVersion => Self::System(SystemOperation::Version),
            Kind::SystemEvents => Self::System(SystemOperation::Events(query.read()?)),
            Kind::ImageList => Self::Image(ImageOperation::List(query.read()?)),
            Kind::ImageInspect => Self::Image(ImageOperation::Inspect { name, query: query.read()? }),
            Kind::ImageCreate => {
                let registry_auth = request.registry_auth.clone();
                Self::Image(ImageOperation::Create { query: query.read()?, registry_auth })
            }
            Kind::ImageDelete => Self::Image(ImageOperation::Delete { name, query: query.read()? }),
            Kind::ImageTag => Self::Image(ImageOperation::Tag { name, query: query.read()? }),
            Kind::ImageHistory => Self::Image(ImageOperation::History { name, query: query.read()? }),
            Kind::ImagePush => {
                let registry_auth = request.registry_auth.clone();
                Self::Image(ImageOperation::Push { name, query: query.read()?, registry_auth })
            }
            Kind::DistributionInspect => {
                let registry_auth = request.registry_auth.clone();
                Self::Image(ImageOperation::Distribution { name, registry_auth })
            }
            Kind::ContainerList => Self::Container(ContainerOperation::List(query.read()?)),
            Kind::ContainerCreate => {
                let create = ContainerCreate { query: query.read()?, body: read_body(body, bounds)? };
                Self::Container(ContainerOperation::Create(Box::new(create)))
            }
            Kind::ContainerInspect => act(name, ContainerAction::Inspect(query.read()?)),
            Kind::ContainerStart => act(name, ContainerAction::Start(query.read()?)),
            Kind::ContainerStop => act(name, ContainerAction::Stop(query.read()?)),
            Kind::ContainerRestart => act(name, ContainerAction::Restart(query.read()?)),
            Kind::ContainerKill => act(name, ContainerAction::Kill(query.read()?)),
            Kind::ContainerWait => act(name, ContainerAction::Wait(query.read()?)),
            Kind::ContainerLogs => act(name, ContainerAction::Logs(query.read()?)),
            Kind::ContainerAttach => act(name, ContainerAction::Attach(query.read()?, style(request))),
            Kind::ContainerResize => act(name, ContainerAction::Resize(query.read()?)),
            Kind::ContainerDelete => act(name, ContainerAction::Delete(query.read()?)),
            Kind::ContainerArchiveInfo => act(name, ContainerAction::ArchiveInfo(query.read()?)),
            Kind::ContainerArchive => act(name, ContainerAction::ArchiveGet(query.read()?)),
            Kind::PutContainerArchive => act(name, ContainerAction::ArchivePut(query.read()?)),
            Kind::ContainerExec => act(name, ContainerAction::Exec(Box::new(read_body(body, bounds)?))),
            Kind::ContainerRename => act(name, ContainerAction::Rename(query.read()?)),
            Kind::ContainerPause => act(name, ContainerAction::Pause),
            Kind::ContainerUnpause => act(name, ContainerAction::Unpause),
            Kind::ContainerUpdate => act(name, ContainerAction::Update(Box::new(read_body(body, bounds)?))),
            Kind::ContainerTop => act(name, ContainerAction::Top(query.read()?)),
            Kind::ContainerStats => act(name, ContainerAction::Stats(query.read()?)),
            Kind::ContainerChanges => act(name, ContainerAction::Changes),
            Kind::ContainerExport => act(name, ContainerAction::Export),
            Kind::ExecStart => exec(name, ExecAction::Start(read_body(body, bounds)?, style(request)))?,
            Kind::ExecResize => exec(name, ExecAction::Resize(query.read()?))?,
            Kind::ExecInspect => exec(name, ExecAction::Inspect)?,
            Kind::NetworkList => Self::Network(NetworkOperation::List(query.read()?)),
            Kind::NetworkInspect => Self::Network(NetworkOperation::Inspect { network: name, query: query.read()? }),
            Kind::NetworkDelete => Self::Network(NetworkOperation::Delete { network: name }),
            Kind::VolumeList => Self::Volume(VolumeOperation::List(query.read()?)),
            Kind::VolumeInspect => Self::Volume(VolumeOperation::Inspect { name }),
            Kind::VolumeDelete => Self::Volume(VolumeOperation::Delete { name, query: query.read()? }),
            Kind::ContainerPrune => Self::Prune(PruneOperation::Containers(query.read()?)),
            Kind::ImagePrune => Self::Prune(PruneOperation::Images(query.read()?)),
            Kind::NetworkPrune => Self::Prune(PruneOperation::Networks(query.read()?)),
            Kind::VolumePrune => Self::Prune(PruneOperation::Volumes(query.read()?)),
            Kind::BuildPrune => Self::Prune(PruneOperation::Build(query.read()?)),
        })
    }

    /// Writes the request that the engine gets.
    ///
    /// # Errors
    /// When a query or body cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        match self {
            Self::System(operation) => operation.encode(),
            Self::Image(operation) => operation.encode(),
            Self::Container(operation) => operation.encode(),
            Self::Exec(operation) => operation.encode(),
            Self::Network(operation) => operation.encode(),
            Self::Volume(operation) => operation.encode(),
            Self::Prune(operation) => operation.encode(),
        }
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self {
            Self::System(operation) => operation.operation_id(),
            Self::Image(operation) => operation.operation_id(),
            Self::Container(ContainerOperation::List(_)) => "ContainerList",
            Self::Container(ContainerOperation::Create(_)) => "ContainerCreate",
            Self::Container(ContainerOperation::Act { action, .. }) => action.operation_id(),
            Self::Exec(operation) => operation.operation_id(),
            Self::Network(operation) => operation.operation_id(),
            Self::Volume(operation) => operation.operation_id(),
            Self::Prune(operation) => operation.operation_id(),
        }
    }
}

impl Operation {
    /// How this becomes a raw stream, if it does.
    #[must_use]
    pub const fn hijack(&self) -> Option<HijackStyle> {
        match self {
            Self::Container(ContainerOperation::Act { container: _, action: ContainerAction::Attach(_, style) }) => {
                Some(*style)
            }
            Self::Exec(operation) => operation.hijack(),
            Self::System(_)
            | Self::Image(_)
            | Self::Container(_)
            | Self::Network(_)
            | Self::Volume(_)
            | Self::Prune(_) => None,
        }
    }

    /// Whether its answer may take for ever: streams, and waiting.
    #[must_use]
    pub const fn is_open_ended(&self) -> bool {
        match self {
            Self::System(operation) => matches!(operation, SystemOperation::Events(_)),
            Self::Image(operation) => operation.is_open_ended(),
            Self::Container(ContainerOperation::Act { container: _, action }) => action.is_open_ended(),
            Self::Exec(operation) => operation.hijack().is_some(),
            Self::Container(_) | Self::Network(_) | Self::Volume(_) | Self::Prune(_) => false,
        }
    }

    /// Whether the engine's errors about it can name paths of the host.
    #[must_use]
    pub const fn may_tell_host_paths(&self) -> bool {
        match self {
            Self::Container(ContainerOperation::Create(_)) => true,
            Self::Container(ContainerOperation::Act { container: _, action }) => {
                // where a mount, the container's file system or its process is touched
                matches!(
                    action,
                    ContainerAction::Start(_)
                        | ContainerAction::Stop(_)
                        | ContainerAction::Restart(_)
                        | ContainerAction::Kill(_)
                        | ContainerAction::Attach(..)
                        | ContainerAction::Delete(_)
                        | ContainerAction::ArchiveInfo(_)
                        | ContainerAction::ArchiveGet(_)
                        | ContainerAction::ArchivePut(_)
                        | ContainerAction::Pause
                        | ContainerAction::Unpause
                        | ContainerAction::Rename(_)
                        | ContainerAction::Update(_)
                        | ContainerAction::Top(_)
                        | ContainerAction::Stats(_)
                        | ContainerAction::Changes
                        | ContainerAction::Export
                )
            }
            Self::Exec(ExecOperation { exec: _, action }) => matches!(action, ExecAction::Start(..)),
            Self::Image(operation) => matches!(operation, ImageOperation::Delete { .. } | ImageOperation::Push { .. }),
            Self::Container(ContainerOperation::List(_))
            | Self::System(_)
            | Self::Network(_)
            | Self::Volume(_)
            | Self::Prune(_) => false,
        }
    }
}

/// An exec ID that cannot exist names nothing, which is how the engine answers it.
fn exec(name: String, action: ExecAction) -> Result<Operation, ParseError> {
    match ExecId::parse(&name) {
        Some(exec) => Ok(Operation::Exec(ExecOperation { exec, action })),
        None => Err(ParseError::NoSuchExec(name)),
    }
}

const fn style(request: &ApiRequest) -> HijackStyle {
    if request.upgrade { HijackStyle::Upgrade } else { HijackStyle::Body }
}
