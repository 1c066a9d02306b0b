//! A request as a client would write it, in parts that can be changed one by one.

use hyper::http::request::Parts;
use serde::Deserialize;

/// What a client sends. The body's length is never part of it: it is counted when the bytes are written.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct ClientRequest {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    #[serde(default, with = "text")]
    pub(crate) body: Option<Vec<u8>>,
}

impl ClientRequest {
    pub(crate) fn new(method: &str, target: &str, body: Option<&str>) -> Self {
        let mut headers = vec![("Host".to_owned(), "localhost".to_owned())];
        if body.is_some() {
            headers.push(("Content-Type".to_owned(), "application/json".to_owned()));
        }
        Self { method: method.into(), target: target.into(), headers, body: body.map(|text| text.as_bytes().to_vec()) }
    }

    /// The bytes on the wire.
    pub(crate) fn wire(&self) -> Vec<u8> {
        let mut head = format!("{} {} HTTP/1.1\r\n", self.method, self.target);
        for (name, value) in self.fields() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        bytes
    }

    /// The head as the listener would get it; `None` where no HTTP parser takes it.
    pub(crate) fn head(&self) -> Option<Parts> {
        let mut request = hyper::Request::builder().method(self.method.as_bytes()).uri(&self.target);
        for (name, value) in self.fields() {
            request = request.header(name, value);
        }
        request.body(()).ok().map(|request| request.into_parts().0)
    }

    /// All header fields. A recorded body that came in chunks is sent with its length.
    fn fields(&self) -> impl Iterator<Item = (String, String)> {
        let counted = self.body.as_ref().map(|body| ("Content-Length".to_owned(), body.len().to_string()));
        let sent = self.headers.iter().filter(|(name, _)| !name.eq_ignore_ascii_case("transfer-encoding"));
        sent.cloned().chain(counted)
    }

    pub(crate) fn path_and_query(&self) -> (&str, Option<&str>) {
        self.target.split_once('?').map_or((self.target.as_str(), None), |(path, query)| (path, Some(query)))
    }
}

mod text {
    use serde::{Deserialize, Deserializer};

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<u8>>, D::Error> {
        Ok(Option::<String>::deserialize(deserializer)?.map(String::into_bytes))
    }
}
