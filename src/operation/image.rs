//! Operations on images.
//!
//! Must never normalise an image name: what a name means is the judge's business.

use hyper::Method;
use serde::{Deserialize, Serialize};

use super::encoded::{Answer, EncodeError, Encoded};
use crate::request::{Filters, Secret, write};

/// Everything that concerns images.
#[derive(Debug, Clone)]
pub enum ImageOperation {
    /// `GET /images/json`
    List(ImageListQuery),
    /// `GET /images/{name}/json`
    Inspect {
        /// Name, ID or ID prefix, as the client spelled it.
        name: String,
        /// The query.
        query: ImageInspectQuery,
    },
    /// `POST /images/create`: a pull (`fromImage`) or an import (`fromSrc`).
    Create {
        /// The query.
        query: ImageCreateQuery,
        /// What the client sent as `X-Registry-Auth`.
        registry_auth: Option<Secret>,
    },
}

/// `ImageList`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageListQuery {
    /// Intermediate ones as well.
    pub all: bool,
    /// Docker's filters.
    pub filters: Filters,
    /// Until API 1.40: a reference to match.
    pub filter: String,
    /// Compute the size shared between images, since API 1.42.
    #[serde(rename = "shared-size")]
    pub shared_size: bool,
    /// Show digests.
    pub digests: bool,
    /// Show the manifests of an index, since API 1.47.
    pub manifests: bool,
    /// Show who signed, since API 1.54.
    pub identity: bool,
}

/// `ImageInspect`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageInspectQuery {
    /// Show the manifests of an index, since API 1.48.
    pub manifests: bool,
    /// A platform as a JSON document, since API 1.49.
    pub platform: String,
}

/// `ImageCreate`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageCreateQuery {
    /// The image to pull; may carry a tag or a digest.
    #[serde(rename = "fromImage")]
    pub from_image: String,
    /// Import instead of pull: a URL that the engine fetches, or `-` for the request's body.
    #[serde(rename = "fromSrc")]
    pub from_src: String,
    /// The name that an import gets.
    pub repo: String,
    /// Tag or digest of a pull; it replaces one in `fromImage`.
    pub tag: String,
    /// The comment of an import.
    pub message: String,
    /// Dockerfile instructions for an import, since API 1.8.
    pub changes: Vec<String>,
    /// `os[/arch[/variant]]`.
    pub platform: String,
    /// Old clients' registry name; engines ignore it.
    #[serde(rename = "registry")]
    pub registry: String,
}

impl ImageOperation {
    /// Writes the request that the engine gets.
    ///
    /// # Errors
    /// When a query cannot be serialised, which no value of these types can cause.
    pub fn encode(&self) -> Result<Encoded, EncodeError> {
        Ok(match self {
            Self::List(query) => Encoded::new(Method::GET, &["images", "json"], &write(query)?, Answer::Slow),
            Self::Inspect { name, query } => {
                let mut segments = vec!["images"];
                segments.extend(name.split('/'));
                segments.push("json");
                Encoded::new(Method::GET, &segments, &write(query)?, Answer::Prompt)
            }
            Self::Create { query, registry_auth } => {
                Encoded::new(Method::POST, &["images", "create"], &write(query)?, Answer::Open)
                    .with_registry_auth(registry_auth.clone())
            }
        })
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self {
            Self::List(_) => "ImageList",
            Self::Inspect { .. } => "ImageInspect",
            Self::Create { .. } => "ImageCreate",
        }
    }
}
