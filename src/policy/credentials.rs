//! The broker's own credentials for registries, read from a file of the form that `docker login` writes.
//!
//! They go upstream in the place of a client's where a policy says so, and a client never sees them. Must never run a
//! helper program: an entry that needs one is an error. Reading the file is somebody else's: here is only its text.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::pattern::ImageReference;
use crate::request::Secret;

/// What each registry is shown, by the registry's host and port (`docker.io` for Docker Hub).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RegistryCredentials(BTreeMap<String, Secret>);

/// Why a file of credentials cannot be used. None of these repeats what the file holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// No JSON, or not of that form.
    #[error("it is not a file as `docker login` writes it: line {line}, column {column}")]
    Form {
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
    },
    /// `credsStore` or `credHelpers`.
    #[error("`{0}` names a program that keeps the credentials, and the broker runs none; write them into `auths`")]
    Helper(&'static str),
    /// An entry without what a registry could be shown.
    #[error("`auths` has an entry for `{0}` that holds neither `auth`, nor `username` and `password`, nor a token")]
    Empty(String),
    /// An `auth` that is not `user:password` in base64.
    #[error("`auths` has an entry for `{0}` whose `auth` is not `user:password` in base64")]
    Encoding(String),
}

/// `config.json`, as far as it is about credentials. What else clients keep there is nobody's business here.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct File {
    auths: BTreeMap<String, Entry>,
    creds_store: String,
    cred_helpers: Map<String, Value>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "lowercase", default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
    registrytoken: String,
}

impl RegistryCredentials {
    /// Reads the text of such a file.
    ///
    /// # Errors
    /// When it is no such file, or an entry cannot be used.
    pub fn parse(text: &str) -> Result<Self, CredentialsError> {
        let form =
            |error: serde_json::Error| CredentialsError::Form { line: error.line(), column: error.column().max(1) };
        let File { auths, creds_store, cred_helpers } = serde_json::from_str(text).map_err(form)?;
        if !creds_store.is_empty() {
            return Err(CredentialsError::Helper("credsStore"));
        }
        if !cred_helpers.is_empty() {
            return Err(CredentialsError::Helper("credHelpers"));
        }
        let read = |(address, entry): (String, Entry)| {
            let document = document(&address, entry)?;
            Ok((registry_of(&address), Secret::new(URL_SAFE.encode(document.to_string()))))
        };
        Ok(Self(auths.into_iter().map(read).collect::<Result<_, _>>()?))
    }

    /// The value of `X-Registry-Auth` for the registry of this image, where there are credentials for it.
    #[must_use]
    pub fn for_image(&self, image: &ImageReference) -> Option<Secret> {
        self.0.get(&image.registry).cloned()
    }
}

/// Docker's `AuthConfig`, as the engine decodes it from the header (Engine API, "Authentication").
fn document(address: &str, entry: Entry) -> Result<Value, CredentialsError> {
    let Entry { auth, mut username, mut password, identitytoken, registrytoken } = entry;
    if !auth.is_empty() {
        let encoding = || CredentialsError::Encoding(address.to_owned());
        let decoded = STANDARD.decode(auth.trim()).map_err(|_| encoding())?;
        let decoded = String::from_utf8(decoded).map_err(|_| encoding())?;
        let (user, secret) = decoded.split_once(':').ok_or_else(encoding)?;
        username = user.to_owned();
        secret.trim_matches('\0').clone_into(&mut password);
    }
    let is_known = !username.is_empty() && !password.is_empty();
    if !is_known && identitytoken.is_empty() && registrytoken.is_empty() {
        return Err(CredentialsError::Empty(address.to_owned()));
    }
    let mut document = Map::new();
    let fields = [
        ("username", username),
        ("password", password),
        ("identitytoken", identitytoken),
        ("registrytoken", registrytoken),
        ("serveraddress", address.to_owned()),
    ];
    for (name, value) in fields.into_iter().filter(|(_, value)| !value.is_empty()) {
        document.insert(name.to_owned(), json!(value));
    }
    Ok(Value::Object(document))
}

/// `https://index.docker.io/v1/` is how `docker login` names Docker Hub; others stand there by host and port.
fn registry_of(address: &str) -> String {
    let bare = address.trim_start_matches("https://").trim_start_matches("http://");
    let host = bare.split('/').next().unwrap_or_default();
    if DOCKER_HUB.contains(&host) { "docker.io".to_owned() } else { host.to_owned() }
}

const DOCKER_HUB: [&str; 3] = ["index.docker.io", "registry-1.docker.io", "docker.io"];

#[cfg(test)]
mod tests {
    use super::*;

    fn image(text: &str) -> ImageReference {
        ImageReference::parse(text).unwrap()
    }

    fn shown(secret: &Secret) -> Value {
        serde_json::from_slice(&URL_SAFE.decode(secret.expose()).unwrap()).unwrap()
    }

    #[test]
    fn what_needs_a_program_or_says_nothing_is_an_error() {
        for (text, error) in [
            (r#"{"credsStore": "desktop"}"#, CredentialsError::Helper("credsStore")),
            (r#"{"credHelpers": {"gcr.io": "gcloud"}}"#, CredentialsError::Helper("credHelpers")),
            (r#"{"auths": {"r.example": {}}}"#, CredentialsError::Empty("r.example".into())),
            (r#"{"auths": {"r.example": {"auth": "!"}}}"#, CredentialsError::Encoding("r.example".into())),
            (r#"{"auths": {"r.example": {"auth": "eA=="}}}"#, CredentialsError::Encoding("r.example".into())),
            (r#"{"auths": {"r.example": {"username": "x"}}}"#, CredentialsError::Empty("r.example".into())),
        ] {
            assert_eq!(RegistryCredentials::parse(text), Err(error), "{text}");
        }
        let form = RegistryCredentials::parse("{\n\"auths\": {\"x\": {\"auth\": 1, \"password\": \"s3cret\"}}}");
        assert!(!form.unwrap_err().to_string().contains("s3cret"));
    }

    #[test]
    fn each_registry_is_shown_its_own_and_no_other() {
        let text = r#"{"auths": {"https://index.docker.io/v1/": {"auth": "dXNlcjpwYTpzcw=="},
            "r.example:5000": {"username": "u", "password": "p"}, "t.example": {"identitytoken": "it"}}, "psFormat": "x"}"#;
        let all = RegistryCredentials::parse(text).unwrap();
        let hub = shown(&all.for_image(&image("postgres:16")).unwrap());
        let address = "https://index.docker.io/v1/";
        assert_eq!(hub, json!({"username": "user", "password": "pa:ss", "serveraddress": address}));
        assert_eq!(shown(&all.for_image(&image("r.example:5000/a:1")).unwrap())["username"], "u");
        assert_eq!(shown(&all.for_image(&image("t.example/a:1")).unwrap())["identitytoken"], "it");
        assert_eq!(all.for_image(&image("other.example/a:1")), None);
        assert_eq!(all.for_image(&image("r.example/a:1")), None, "another port is another registry");
        assert!(!format!("{all:?}").contains("pa:ss"));
    }
}
