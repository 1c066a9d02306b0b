use super::*;
use proptest::prelude::*;
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Parameters {
    all: bool,
    stream: Option<bool>,
    limit: Option<i64>,
    width: u16,
    from_image: Option<String>,
    kind: String,
    names: Vec<String>,
    condition: Option<Condition>,
    name: Option<Name>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Condition {
    NotRunning,
    NextExit,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Name(String);

fn read(raw: &str) -> Result<Parameters, RequestError> {
    Query::parse(Some(raw))?.read()
}

#[test]
fn strings_that_readers_split_differently_are_refused() {
    for raw in ["a=1;b=2", ";", "a;=1", "a=%zz", "%=1", "a=%f", "a=16%00", "%00=1", "a=%ff", "a=%c0%80"] {
        let error = Query::parse(Some(raw)).unwrap_err();
        assert!(matches!(error, RequestError::Query { .. }), "{raw}");
        assert_eq!((error.status(), error.place()), (400, "query"));
    }
}

#[test]
fn a_known_key_twice_is_refused_unless_it_is_a_list() {
    for raw in [
        "all=0&all=1",
        "limit=1&limit=1",
        "fromImage=a&fromImage=b",
        "%61ll=1&all=1",
        "stream=1&stream=",
        "condition=next-exit&condition=next-exit",
        "name=a&x=1&name=a",
    ] {
        assert!(matches!(read(raw), Err(RequestError::Repeated { .. })), "{raw}");
    }
    assert_eq!(
        read("all=0&all=1").unwrap_err().to_string(),
        "`?all`: given more than once; readers differ in which one counts, so send it once"
    );
    assert_eq!(read("names=b&names=a&names=b").unwrap().names, ["b", "a", "b"]);
}

#[test]
fn variants_of_known_keys_are_refused() {
    for (raw, place, wanted) in [
        ("FROMIMAGE=evil&fromImage=postgres", "?FROMIMAGE", "fromImage"),
        ("fromimage=evil", "?fromimage", "fromImage"),
        ("%C5%BFtream=1", r"?\u{17f}tream", "stream"),
        ("\u{17f}tream=1", r"?\u{17f}tream", "stream"),
        ("%E2%84%AAind=x", r"?\u{212a}ind", "kind"),
        ("Kind=", "?Kind", "kind"),
    ] {
        let error = read(raw).unwrap_err();
        assert_eq!(error, RequestError::Spelling { place: place.to_owned(), wanted: wanted.to_owned() }, "{raw}");
    }
}

#[test]
fn values_of_another_kind_are_refused() {
    for raw in [
        "limit=1.0",
        "limit=",
        "limit=+1",
        "limit=01",
        "limit=1e3",
        "limit=%201",
        "width=-1",
        "width=65536",
        "limit=9223372036854775808",
        "condition=Next-Exit",
        "condition=",
    ] {
        assert!(matches!(read(raw), Err(RequestError::Value { .. })), "{raw}");
    }
    assert_eq!(
        read("width=-1").unwrap_err().to_string(),
        "`?width`: found the text `-1`, wanted a whole number from 0 to 65535"
    );
}

#[test]
fn other_keys_are_dropped_even_when_repeated() {
    assert_eq!(read("Env=A&Env=B&HostConfig=%7B%7D&x"), Ok(Parameters::default()));
    assert_eq!(read(""), Ok(Parameters::default()));
    assert_eq!(Query::parse(None).unwrap().read(), Ok(Parameters::default()));
}

#[test]
fn booleans_follow_the_engine() {
    for raw in ["all", "all=", "all=0", "all=no", "all=FALSE", "all=None", "all=+false+", "all=%20No%09"] {
        assert!(!read(raw).unwrap().all, "{raw}");
    }
    for raw in ["all=1", "all=true", "all=True", "all=x", "all=off", "all=00", "all=n"] {
        assert!(read(raw).unwrap().all, "{raw}");
    }
    assert_eq!(read("stream=").unwrap().stream, Some(false), "present and empty is said to be false");
    assert_eq!(read("").unwrap().stream, None);
}

#[test]
fn pairs_are_decoded_once_and_kept_in_order() {
    let query = Query::parse(Some("b=1&a=%2526+x&&c&=d&e=f=g")).unwrap();
    let pairs: Vec<(&str, &str)> = query.pairs().iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    assert_eq!(pairs, [("b", "1"), ("a", "%26 x"), ("c", ""), ("", "d"), ("e", "f=g")]);
}

#[test]
fn printing_a_query_shows_no_values() {
    let query = Query::parse(Some("Env=POSTGRES_PASSWORD%3Dhunter2&all=1")).unwrap();
    assert_eq!(format!("{query:?}"), r#"["Env", "all"]"#);
}

#[test]
fn only_what_was_said_is_written() {
    assert_eq!(write(&Parameters::default()).as_deref(), Ok("width=0"));
    let parameters = Parameters {
        all: true,
        stream: Some(false),
        limit: Some(-1),
        width: 80,
        from_image: Some(String::new()),
        kind: "a b&c=d/é".to_owned(),
        names: vec!["x".to_owned(), String::new(), "y+z".to_owned()],
        condition: Some(Condition::NextExit),
        name: Some(Name("n".to_owned())),
    };
    assert_eq!(
        write(&parameters).as_deref(),
        Ok(
            "all=1&stream=0&limit=-1&width=80&kind=a%20b%26c%3Dd%2F%C3%A9&names=x&names=&names=y%2Bz&condition=next-exit&name=n"
        )
    );
    let map = std::collections::BTreeMap::from([("a&b", Some("c")), ("=d", None), ("=e", Some("f"))]);
    assert_eq!(write(&map).as_deref(), Ok("%3De=f&a%26b=c"));
}

#[test]
fn what_is_no_query_is_not_written() {
    #[derive(Serialize)]
    struct Nested {
        inner: Parameters,
    }
    assert!(write(&1).is_err() && write(&"a").is_err() && write(&vec![1]).is_err());
    assert!(write(&Nested { inner: Parameters::default() }).is_err());
}

#[test]
fn bodies_that_say_more_than_the_query_are_told_apart() {
    let query = Query::parse(Some("t=10&all=true&name=a%20b&x=&n=1&n=2&o=%7B%22k%22%3A%5B1%5D%7D&one=1")).unwrap();
    let same = |text: &str| same_parameters(&query, &Json::read(text.as_bytes(), &JsonBounds::default()).unwrap());
    for text in [
        r#"{"t":11}"#,
        r#"{"t":10,"force":true}"#,
        r#"{"T":10}"#,
        r#"{"all":1}"#,
        r#"{"all":false}"#,
        r#"{"n":1}"#,
        r#"{"n":[1]}"#,
        r#"{"n":[2,1]}"#,
        r#"{"t":null}"#,
        r#"{"o":{"k":[2]}}"#,
        r#"{"name":{"a":1}}"#,
        "null",
        "[]",
        r#"{"Privileged":true}"#,
        r#"{"t":[10,10]}"#,
        r#"{"missing":null}"#,
        "10",
    ] {
        assert!(!same(text), "{text}");
    }
    for text in [
        "{}",
        r#"{"t":10}"#,
        r#"{"t":"10","all":true,"name":"a b"}"#,
        r#"{"x":""}"#,
        r#"{"x":null}"#,
        r#"{"n":[1,"2"]}"#,
        r#"{"o":{"k":[1]}}"#,
        r#"{"one":["1"]}"#,
    ] {
        assert!(same(text), "{text}");
    }
}

fn parameters() -> impl Strategy<Value = Parameters> {
    let text = "[^\\x00]{1,12}";
    let condition = prop_oneof![Just(Condition::NotRunning), Just(Condition::NextExit)];
    (
        (any::<bool>(), any::<Option<bool>>(), any::<Option<i64>>(), any::<u16>()),
        (prop::option::of(text), "[^\\x00]{0,12}", prop::collection::vec(text, 0..4)),
        (prop::option::of(condition), prop::option::of(text.prop_map(Name))),
    )
        .prop_map(|((all, stream, limit, width), (from_image, kind, names), (condition, name))| Parameters {
            all,
            stream,
            limit,
            width,
            from_image,
            kind,
            names,
            condition,
            name,
        })
}

proptest! {
    #[test]
    fn what_is_written_reads_back(parameters in parameters()) {
        let written = write(&parameters).unwrap();
        prop_assert!(written.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'#' && byte != b';'));
        prop_assert_eq!(read(&written), Ok(parameters));
    }

    #[test]
    fn any_text_is_read_without_panic(raw in "\\PC{0,60}|[a-z%=&;+0-9]{0,40}") {
        let _ = read(&raw);
    }
}
