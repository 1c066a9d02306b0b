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
    /// `DELETE /images/{name}`
    Delete {
        /// Name, ID or ID prefix, as the client spelled it.
        name: String,
        /// The query.
        query: ImageDeleteQuery,
    },
    /// `POST /images/{name}/tag`
    Tag {
        /// Name, ID or ID prefix of the image that gets another name.
        name: String,
        /// The query.
        query: ImageTagQuery,
    },
    /// `GET /images/{name}/history`
    History {
        /// Name, ID or ID prefix, as the client spelled it.
        name: String,
        /// The query.
        query: ImageHistoryQuery,
    },
    /// `POST /images/{name}/push`
    Push {
        /// The name, with its registry.
        name: String,
        /// The query.
        query: ImagePushQuery,
        /// What the client sent as `X-Registry-Auth`.
        registry_auth: Option<Secret>,
    },
    /// `GET /distribution/{name}/json`: what the registry says of a name.
    Distribution {
        /// The name, with its registry.
        name: String,
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

/// `ImageDelete`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageDeleteQuery {
    /// Also where stopped containers use it, or where an ID has several names.
    pub force: bool,
    /// Keep parents that have no name.
    pub noprune: bool,
    /// Only these platforms, each a JSON document, since API 1.50.
    pub platforms: Vec<String>,
}

/// `ImageTag`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageTagQuery {
    /// The new name.
    pub repo: String,
    /// Its tag; it replaces one in `repo`.
    pub tag: String,
}

/// `ImageHistory`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImageHistoryQuery {
    /// A platform as a JSON document, since API 1.48.
    pub platform: String,
}

/// `ImagePush`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct ImagePushQuery {
    /// The tag; without one the engine pushes every tag of the name.
    pub tag: String,
    /// A platform as a JSON document, since API 1.46.
    pub platform: String,
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
                Encoded::new(Method::GET, &below("images", name, Some("json")), &write(query)?, Answer::Prompt)
            }
            Self::Create { query, registry_auth } => {
                Encoded::new(Method::POST, &["images", "create"], &write(query)?, Answer::Open)
                    .with_registry_auth(registry_auth.clone())
            }
            Self::Delete { name, query } => {
                Encoded::new(Method::DELETE, &below("images", name, None), &write(query)?, Answer::Open)
            }
            Self::Tag { name, query } => {
                Encoded::new(Method::POST, &below("images", name, Some("tag")), &write(query)?, Answer::Slow)
            }
            Self::History { name, query } => {
                Encoded::new(Method::GET, &below("images", name, Some("history")), &write(query)?, Answer::Prompt)
            }
            Self::Push { name, query, registry_auth } => {
                // engines before 23.0 take a push without the header for a request of a very old client, and want a body
                let auth = registry_auth.clone().unwrap_or_else(|| Secret::new(NOBODYS_CREDENTIALS.to_owned()));
                Encoded::new(Method::POST, &below("images", name, Some("push")), &write(query)?, Answer::Open)
                    .with_registry_auth(Some(auth))
            }
            Self::Distribution { name, registry_auth } => {
                Encoded::new(Method::GET, &below("distribution", name, Some("json")), "", Answer::Open)
                    .with_registry_auth(registry_auth.clone())
            }
        })
    }

    /// Whether its answer may take for ever: the engine talks to a registry.
    #[must_use]
    pub const fn is_open_ended(&self) -> bool {
        match self {
            Self::Create { .. } | Self::Push { .. } | Self::Distribution { .. } => true,
            Self::List(_) | Self::Inspect { .. } | Self::Delete { .. } | Self::Tag { .. } | Self::History { .. } => {
                false
            }
        }
    }

    /// Docker's `operationId`.
    #[must_use]
    pub const fn operation_id(&self) -> &'static str {
        match self {
            Self::List(_) => "ImageList",
            Self::Inspect { .. } => "ImageInspect",
            Self::Create { .. } => "ImageCreate",
            Self::Delete { .. } => "ImageDelete",
            Self::Tag { .. } => "ImageTag",
            Self::History { .. } => "ImageHistory",
            Self::Push { .. } => "ImagePush",
            Self::Distribution { .. } => "DistributionInspect",
        }
    }
}

/// The path of an image: a name keeps its slashes.
fn below<'n>(first: &'n str, name: &'n str, verb: Option<&'n str>) -> Vec<&'n str> {
    [first].into_iter().chain(name.split('/')).chain(verb).collect()
}

/// An empty JSON document in base64.
const NOBODYS_CREDENTIALS: &str = "e30=";
