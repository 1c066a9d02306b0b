//! Operations on volumes.
//!
//! Must never decide anything: a volume has no ID, so whose it is comes from its labels, as a fact.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::encoded::{Answer, EncodeError, Encoded};
use crate::request::{Filters, write};

/// Everything that concerns volumes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VolumeOperation {
    /// `GET /volumes`
    List(VolumeListQuery),
    /// `GET /volumes/{name}`
    Inspect {
        /// The volume's name.
        name: String,
    },
    /// `DELETE /volumes/{name}`
    Delete {
        /// The volume's name.
        name: String,
        /// The query.
        query: VolumeDeleteQuery,
    },
}

/// `VolumeList`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeListQuery {
    /// Docker's filters.
    pub filters: Filters,
}

/// `VolumeDelete`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct VolumeDeleteQuery {
    /// Forget the volume although its driver fails, or has no such volume. Since API 1.25.
    pub force: bool,
}

impl VolumeOperation {
    /// Writes the request that the engine gets.
    ///
    /// # Errors
    /// When a query cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        Ok(match self {
            Self::List(query) => Encoded::new(Method::GET, &["volumes"], &write(query)?, Answer::Prompt),
            Self::Inspect { name } => Encoded::new(Method::GET, &["volumes", name], "", Answer::Prompt),
            Self::Delete { name, query } => {
                Encoded::new(Method::DELETE, &["volumes", name], &write(query)?, Answer::Slow)
            }
        })
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self {
            Self::List(_) => "VolumeList",
            Self::Inspect { .. } => "VolumeInspect",
            Self::Delete { .. } => "VolumeDelete",
        }
    }
}
