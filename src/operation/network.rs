//! Operations on networks.
//!
//! Must never decide anything: which networks a client may see is the judge's business.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::encoded::{Answer, EncodeError, Encoded};
use super::names::ContainerId;
use crate::request::{Filters, write};

/// Everything that concerns networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NetworkOperation {
    /// `GET /networks`
    List(NetworkListQuery),
    /// `GET /networks/{id}`
    Inspect {
        /// Name, ID or ID prefix, as the client spelled it.
        network: String,
        /// The query.
        query: NetworkInspectQuery,
    },
    /// `DELETE /networks/{id}`
    Delete {
        /// Name, ID or ID prefix, as the client spelled it; the full ID once it was judged.
        network: String,
    },
    /// `POST /networks/{id}/connect`: the broker's own way to finish a create; no client's words become it yet.
    Connect {
        /// The network's full ID.
        network: String,
        /// The container.
        container: ContainerId,
    },
}

/// The body of a connect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkConnectRequest<'a> {
    container: &'a str,
}

/// `NetworkList`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkListQuery {
    /// Docker's filters.
    pub filters: Filters,
}

/// `NetworkInspect`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct NetworkInspectQuery {
    /// Show services and tasks as well, since API 1.28.
    pub verbose: bool,
    /// `swarm`, `global` or `local`, since API 1.31.
    pub scope: String,
}

impl NetworkOperation {
    /// Writes the request that the engine gets.
    ///
    /// # Errors
    /// When a query cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        Ok(match self {
            Self::List(query) => Encoded::new(Method::GET, &["networks"], &write(query)?, Answer::Prompt),
            Self::Inspect { network, query } => {
                Encoded::new(Method::GET, &["networks", network], &write(query)?, Answer::Prompt)
            }
            Self::Delete { network } => Encoded::new(Method::DELETE, &["networks", network], "", Answer::Slow),
            Self::Connect { network, container } => {
                let body = NetworkConnectRequest { container: container.as_str() };
                Encoded::new(Method::POST, &["networks", network, "connect"], "", Answer::Slow).with_json(&body)?
            }
        })
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self {
            Self::List(_) => "NetworkList",
            Self::Inspect { .. } => "NetworkInspect",
            Self::Delete { .. } => "NetworkDelete",
            Self::Connect { .. } => "NetworkConnect",
        }
    }
}
