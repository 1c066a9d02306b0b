//! The request that is to be explained, from the words of a command line.
//!
//! Must never complete what a client would have to send: the method, the target and the fields of the head are judged as
//! they are written here, but for `Host` and, with a body, `Content-Type` and `Content-Length`, which every client sends.

use bytes::Bytes;
use hyper::Method;
use hyper::Request;
use hyper::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue};
use hyper::http::request::Parts;

use crate::cli::exit::{Exit, Failure};
use crate::cli::input::read_input;

/// A request as a client would send it.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) head: Parts,
    pub(super) body: Bytes,
}

impl Asked {
    /// Puts a request together. A body is `-` for standard input, a JSON document where it begins as one, or else a file.
    pub(super) fn read(method: &str, target: &str, headers: &[String], body: Option<&str>) -> Result<Self, Failure> {
        let usage = |what: String| Failure::said(Exit::Usage, what);
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|_| usage(format!("`{method}` is not an HTTP method; write it as `POST`")))?;
        let (head, ()) = Request::builder()
            .method(method)
            .uri(target)
            .body(())
            .map_err(|error| usage(format!("`{target}` is not the target of a request, as `/v1.44/info`: {error}")))?
            .into_parts();
        let body = body.map(read_body).transpose()?;
        let mut asked = Self { head, body: Bytes::new() };
        asked.add_fields(headers)?;
        asked.head.headers.entry(HOST).or_insert(HeaderValue::from_static("docker"));
        if let Some(body) = body {
            asked.head.headers.entry(CONTENT_TYPE).or_insert(HeaderValue::from_static("application/json"));
            asked.head.headers.entry(CONTENT_LENGTH).or_insert(HeaderValue::from(body.len()));
            asked.body = body;
        }
        Ok(asked)
    }

    fn add_fields(&mut self, fields: &[String]) -> Result<(), Failure> {
        for field in fields {
            // the value may be a secret, so that only the name is repeated
            let (name, value) = field.split_once(':').unwrap_or((field, ""));
            let wrong = || {
                Failure::said(Exit::Usage, format!("`--header` takes `Name: value`; `{name}` is not the name of one"))
            };
            let parsed = HeaderName::from_bytes(name.trim().as_bytes()).ok().filter(|_| field.contains(':'));
            let value = HeaderValue::from_str(value.trim()).map_err(|_| wrong())?;
            self.head.headers.append(parsed.ok_or_else(wrong)?, value);
        }
        Ok(())
    }
}

fn read_body(body: &str) -> Result<Bytes, Failure> {
    if body.trim_start().starts_with(['{', '[']) {
        return Ok(Bytes::from(body.to_owned()));
    }
    read_input(body).map(Bytes::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_request_is_a_mistake_of_the_command_line_that_repeats_no_value() {
        for (method, target, header) in
            [("GE T", "/info", "a: b"), ("GET", "not a target", "a: b"), ("GET", "/info", "X-Registry-Auth secret")]
        {
            let failure = Asked::read(method, target, &[header.to_owned()], None).unwrap_err();
            assert_eq!(failure.exit, Exit::Usage);
        }
        let failure = Asked::read("GET", "/info", &["X Auth: secret".to_owned()], None).unwrap_err();
        assert!(!failure.message().contains("secret"), "{}", failure.message());
        assert_eq!(Asked::read("GET", "/info", &[], Some("/nowhere")).unwrap_err().exit, Exit::NoInput);
    }

    #[test]
    fn a_document_is_taken_as_it_stands_and_a_name_is_a_file() {
        let asked = Asked::read("post", "/containers/create", &[], Some("{\"Image\":1}")).unwrap();
        assert_eq!((asked.head.method.as_str(), &asked.body[..]), ("POST", &b"{\"Image\":1}"[..]));
        assert_eq!(asked.head.headers[CONTENT_TYPE], "application/json");
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("body.json");
        std::fs::write(&path, "[]").unwrap();
        let headers = ["Content-Type: text/plain".to_owned(), "Host: x".to_owned()];
        let asked = Asked::read("POST", "/x", &headers, path.to_str()).unwrap();
        assert_eq!(
            (&asked.body[..], &asked.head.headers[CONTENT_TYPE]),
            (&b"[]"[..], &HeaderValue::from_static("text/plain"))
        );
        assert_eq!(asked.head.headers.get_all(HOST).iter().count(), 1);
    }
}
