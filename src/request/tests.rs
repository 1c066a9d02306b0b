use super::*;
use hyper::http::request::Builder;
use proptest::prelude::*;

fn on(method: &str, target: &str) -> Builder {
    hyper::Request::builder().method(method).uri(target).header("Host", "localhost")
}

fn parsed(builder: Builder) -> Result<ApiRequest, RequestError> {
    let (parts, ()) = builder.body(()).unwrap().into_parts();
    read(&parts)
}

fn refused(builder: Builder) -> (String, u16) {
    let error = parsed(builder).unwrap_err();
    (error.place().to_owned(), error.status())
}

fn header(name: &str, value: &str) -> Builder {
    on("POST", "/v1.41/containers/create").header(name, value)
}

#[test]
fn methods_that_the_api_does_not_use_are_refused() {
    for method in ["get", "Post", "PATCH", "OPTIONS", "TRACE", "PRI", "GETS"] {
        assert_eq!(refused(on(method, "/v1.41/_ping")), ("method".to_owned(), 405), "{method}");
    }
    assert_eq!(refused(on("CONNECT", "evil.example:2375")).1, 405);
}

#[test]
fn targets_other_than_origin_form_are_refused() {
    for target in ["http://docker/v1.41/containers/json", "http://evil//v1.41/info", "*", "evil.example:2375"] {
        assert_eq!(refused(on("GET", target)), ("path".to_owned(), 400), "{target}");
    }
}

#[test]
fn hosts_must_be_one_and_well_formed() {
    let without = || hyper::Request::builder().uri("/_ping");
    assert_eq!(refused(without()), ("Host".to_owned(), 400));
    assert_eq!(refused(on("GET", "/_ping").header("Host", "localhost")), ("Host".to_owned(), 400));
    for host in ["a/b", "a b", "a@b", "a?b", "a#b", "a\\b", "a\tb", "<a>"] {
        assert_eq!(refused(without().header("Host", host)), ("Host".to_owned(), 400), "{host}");
    }
    let old = || without().version(hyper::Version::HTTP_10);
    assert!(parsed(old()).is_ok());
    assert_eq!(refused(old().header("Host", "a").header("Host", "a")), ("Host".to_owned(), 400));
    assert_eq!(refused(on("GET", "/_ping").version(hyper::Version::HTTP_2)), ("version".to_owned(), 400));
    for host in ["localhost:2375", "api.moby.localhost", "[::1]:80", "%2Fvar%2Frun%2Fdocker.sock", ""] {
        assert!(parsed(without().header("Host", host)).is_ok(), "{host}");
    }
}

#[test]
fn framing_that_readers_could_see_differently_is_refused() {
    for value in ["identity", "gzip, chunked", "chunked, chunked", "xchunked", "Chunked", "chunked;a=b", ""] {
        assert_eq!(refused(header("Transfer-Encoding", value)), ("Transfer-Encoding".to_owned(), 400), "{value}");
    }
    let two = header("Transfer-Encoding", "chunked").header("Transfer-Encoding", "chunked");
    assert_eq!(refused(two), ("Transfer-Encoding".to_owned(), 400));
    for value in ["+5", "05", "5, 5", "-1", "0x5", "", "18446744073709551616"] {
        assert_eq!(refused(header("Content-Length", value)), ("Content-Length".to_owned(), 400), "{value}");
    }
    assert_eq!(
        refused(header("Content-Length", "1").header("Content-Length", "1")),
        ("Content-Length".to_owned(), 400)
    );
    for value in ["gzip", "identity, gzip", "br", ""] {
        assert_eq!(refused(header("Content-Encoding", value)), ("Content-Encoding".to_owned(), 400), "{value}");
    }
    assert!(parsed(header("Content-Encoding", "identity")).is_ok());
}

#[test]
fn forms_multipart_and_grpc_are_refused_in_every_spelling() {
    for value in [
        "application/x-www-form-urlencoded",
        "APPLICATION/X-WWW-form-urlencoded; charset=x",
        "text/plain, application/x-www-form-urlencoded",
        "multipart/form-data; boundary=xx",
        "Multipart/Mixed",
        "application/grpc",
        "application/grpc+proto",
    ] {
        assert_eq!(refused(header("Content-Type", value)), ("Content-Type".to_owned(), 400), "{value}");
        let second = header("Content-Type", "application/json").header("Content-Type", value);
        assert_eq!(refused(second), ("Content-Type".to_owned(), 400), "{value}");
    }
}

#[test]
fn a_second_registry_credential_is_refused_and_none_is_printed() {
    let one = || on("POST", "/images/create?fromImage=postgres").header("X-Registry-Auth", "c2VjcmV0");
    assert_eq!(refused(one().header("x-registry-auth", "e30=")), ("X-Registry-Auth".to_owned(), 400));
    let request = parsed(one()).unwrap();
    assert!(!format!("{request:?}").contains("c2VjcmV0"));
    assert_eq!(request.registry_auth.map(|secret| secret.expose().to_owned()).as_deref(), Some("c2VjcmV0"));
}

#[test]
fn path_version_and_query_faults_are_reported() {
    assert_eq!(refused(on("GET", "//containers/json")), ("path".to_owned(), 400));
    assert_eq!(refused(on("GET", "/v01.41/info")), ("path".to_owned(), 400));
    assert_eq!(refused(on("POST", "/v4.0.0/libpod/containers/create")), ("path".to_owned(), 403));
    assert_eq!(refused(on("GET", "/info?a=%zz")), ("query".to_owned(), 400));
    assert_eq!(refused(on("GET", &format!("/{}", "a".repeat(9000)))), ("path".to_owned(), 414));
}

#[test]
fn a_head_becomes_words() {
    let request = parsed(
        on("PUT", "/v1.47/containers/abc/archive?path=%2Ftmp&noOverwriteDirNonDir=1")
            .header("Content-Type", "application/x-tar")
            .header("Content-Type", "APPLICATION_X_TAR")
            .header("Transfer-Encoding", "chunked")
            .header("x-tc-sid", "0a1b-2c"),
    )
    .unwrap();
    assert_eq!((request.method, request.version), (Method::PUT, Some(ApiVersion::new(1, 47))));
    let segments: Vec<&str> = request.path.segments().iter().map(|segment| segment.text.as_str()).collect();
    assert_eq!(segments, ["containers", "abc", "archive"]);
    assert_eq!(request.query.pairs().first(), Some(&("path".to_owned(), "/tmp".to_owned())));
    let content = Content { kind: ContentKind::Other, length: None, chunked: true, repeated_type: true };
    assert_eq!(request.content, content);
    assert!(request.content.expects_body() && !request.upgrade);
    assert_eq!(request.session_hint.as_deref(), Some("0a1b-2c"));
}

#[test]
fn content_is_noted_and_not_validated() {
    let kind = |value: &str| parsed(header("Content-Type", value)).unwrap().content.kind;
    assert_eq!(kind("application/json"), ContentKind::Json);
    assert_eq!(kind("Application/JSON; charset=utf-8"), ContentKind::Json);
    assert_eq!(kind("text/plain"), ContentKind::Other);
    assert_eq!(kind("application/json-patch"), ContentKind::Other);
    let bare = parsed(on("POST", "/containers/a/start")).unwrap().content;
    assert_eq!(bare, Content { kind: ContentKind::None, length: None, chunked: false, repeated_type: false });
    assert!(!parsed(header("Content-Length", "0")).unwrap().content.expects_body());
    assert_eq!(parsed(header("Content-Length", "17")).unwrap().content.length, Some(17));
}

#[test]
fn an_upgrade_needs_both_fields() {
    let upgrade = |fields: &[(&str, &str)]| {
        parsed(fields.iter().fold(on("POST", "/exec/a/start"), |head, (name, value)| head.header(*name, *value)))
            .unwrap()
            .upgrade
    };
    assert!(!upgrade(&[("Upgrade", "tcp")]));
    assert!(!upgrade(&[("Connection", "Upgrade")]));
    assert!(!upgrade(&[("Connection", "keep-alive, upgraded"), ("Upgrade", "tcp")]));
    assert!(upgrade(&[("Connection", "Upgrade"), ("Upgrade", "tcp")]));
    assert!(upgrade(&[("Connection", "close"), ("Connection", "keep-alive , UPGRADE"), ("Upgrade", "h2c")]));
}

#[test]
fn a_session_hint_that_is_not_fit_for_a_log_is_ignored() {
    for value in ["", "a b", "a\tb", &"x".repeat(129)] {
        assert_eq!(parsed(header("x-tc-sid", value)).unwrap().session_hint, None, "{value:?}");
    }
    let bytes = hyper::http::HeaderValue::from_bytes(b"\xff").unwrap();
    assert_eq!(parsed(on("GET", "/_ping").header("x-tc-sid", bytes)).unwrap().session_hint, None);
}

proptest! {
    #[test]
    fn any_target_is_read_without_panic(target in "/[ -~]{0,60}") {
        if let Ok(uri) = target.parse::<hyper::Uri>() {
            let _ = parsed(hyper::Request::builder().uri(uri).header("Host", "d"));
        }
    }

    /// What a path says is what a reader sees that decodes it once and splits at every separator.
    #[test]
    fn a_path_that_is_read_says_one_thing(raw in "(/([a-z.%]|%2[eEfF5]|%[0-9a-f]{2}){0,8}){1,5}") {
        if let Ok((_, path)) = Path::read(&raw) {
            let joined = path.segments().iter().map(|segment| format!("/{}", segment.text)).collect::<String>();
            let decoded = percent::decode(&raw, false).unwrap();
            prop_assert_eq!(&joined, &decoded);
            for part in joined.split('/').skip(1) {
                prop_assert!(!part.is_empty() && part != "." && part != ".." && !part.contains('%'));
            }
        }
    }
}
