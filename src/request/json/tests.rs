use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Result<Json, RequestError> {
    Json::read(text.as_bytes(), &JsonBounds::default())
}

/// The place of the error, without looking at its words.
fn place(text: &str) -> String {
    read(text).unwrap_err().place().to_owned()
}

#[test]
fn duplicate_keys_are_refused_with_their_place() {
    let error = read(r#"{"HostConfig":{"Mounts":[{},{"Source":"/","Source":"/"}]}}"#).unwrap_err();
    assert_eq!(error, RequestError::Repeated { place: "HostConfig.Mounts[1].Source".to_owned() });
    for (text, at) in [
        (r#"{"a":1,"a":1}"#, "a"),
        (r#"{"a":null,"a":null}"#, "a"),
        (r#"{"Privileged":true,"\u0050rivileged":null}"#, "Privileged"),
        (r#"{"a":1,"A":null,"b":{},"A":null}"#, "A"),
        (r#"{"":1,"":2}"#, r#"[""]"#),
        (r#"{"x":{"5432/tcp":1,"5432/tcp":1}}"#, r#"x["5432/tcp"]"#),
    ] {
        assert_eq!(read(text), Err(RequestError::Repeated { place: at.to_owned() }), "{text}");
    }
}

#[test]
fn keys_that_go_folds_into_one_another_are_refused() {
    for text in [
        r#"{"HostConfig":{},"hostconfig":{}}"#,
        "{\"HostConfig\":{},\"Ho\u{17f}tConfig\":{}}",
        r#"{"HostConfig":{},"Ho\u017ftConfig":{}}"#,
        "{\"NetworkMode\":\"\",\"Networ\u{212a}Mode\":\"\"}",
        r#"{"NetworkMode":"","Networ\u212aMode":""}"#,
        r#"{"a":0,"A":false}"#,
    ] {
        assert!(matches!(read(text), Err(RequestError::Spelling { .. })), "{text}");
    }
    let error = read(r#"{"x":[{"HostConfig":1,"b":2,"Ho\u017ftConfig":3}]}"#).unwrap_err();
    assert_eq!(
        error.to_string(),
        r#"`x[0]["Ho\u{17f}tConfig"]`: the engine would read this as `HostConfig`; spell it exactly so, and only once"#
    );
}

#[test]
fn null_variants_are_dropped_as_docker_java_needs() {
    let kept = |text| read(text).unwrap().to_string();
    assert_eq!(kept(r#"{"a":1,"enableIPv6":null,"EnableIPv6":null,"b":2}"#), r#"{"a":1,"EnableIPv6":null,"b":2}"#);
    assert_eq!(kept(r#"{"enableIPv6":null,"EnableIPv6":true}"#), r#"{"EnableIPv6":true}"#);
    let taken_back = read(r#"{"EnableIPv6":true,"enableIPv6":null}"#);
    assert!(matches!(taken_back, Err(RequestError::Spelling { .. })), "{taken_back:?}");
    assert!(read(r#"{"A":null,"a":1,"ａ":1}"#).is_ok(), "full width letters do not fold");
}

#[test]
fn what_is_not_rfc_8259_is_refused() {
    for text in [
        "",
        " ",
        "{",
        "[",
        "\"",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "[1",
        "[1,",
        "nul",
        "tru",
        "truex",
        "nulll",
        "NaN",
        "Infinity",
        "-",
        "-a",
        "+1",
        "01",
        "-01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1.e1",
        "0x1",
        "1_0",
        "[1,]",
        "{\"a\":1,}",
        "{,}",
        "[,1]",
        "[1 2]",
        "{\"a\" 1}",
        "{a:1}",
        "{'a':1}",
        "['a']",
        "{1:2}",
        "// c\n{}",
        "{/*c*/}",
        "{}}",
        "{}]",
        "{} {}",
        "{},",
        "null null",
        "\u{feff}{}",
        "{}\u{feff}",
        "\u{a0}{}",
        "\u{b}{}",
        "\u{c}1",
        "undefined",
        "True",
    ] {
        assert!(matches!(read(text), Err(RequestError::Json { .. })), "{text:?}: {:?}", read(text));
    }
}

#[test]
fn odd_strings_are_refused() {
    for text in [
        "\"a\nb\"",
        "\"\t\"",
        "\"\u{0}\"",
        "\"\u{1f}\"",
        r#""\u0000""#,
        r#""\x41""#,
        r#""\'""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\ud800""#,
        r#""\ud800x""#,
        r#""\ud800\n""#,
        r#""\ud800\ud800""#,
        r#""\udc00""#,
        r#""\ud83d\u0041""#,
        r#""\"#,
        r#""\u+123""#,
    ] {
        assert!(matches!(read(text), Err(RequestError::Json { .. })), "{text:?}");
    }
    for bytes in [&b"\"\xff\""[..], b"\"\xc0\xaf\"", b"\"\xed\xa0\x80\"", b"\"\xe2\x82", b"\xff", b"{\"\xff\":1}"] {
        assert!(Json::read(bytes, &JsonBounds::default()).is_err(), "{bytes:?}");
    }
    assert_eq!(place(r#"{"a":{"b\u0000":1}}"#), "a");
}

#[test]
fn the_place_of_a_fault_is_named() {
    assert_eq!(place(r#"{"HostConfig":{"Binds":["/a:/b","#), "HostConfig.Binds[1]");
    assert_eq!(
        place(r#"{"HostConfig":{"Mounts":[{"Type":"bind"},{"Source":"\ud800"}]}}"#),
        "HostConfig.Mounts[1].Source"
    );
    assert_eq!(place("{}x"), "body");
    let error = read("{\"Env\":[\"A=1\",\"B=\u{1}\"]}").unwrap_err();
    assert_eq!(
        error.to_string(),
        "`Env[1]`: not strict JSON at byte 17: a control character inside a string; write it as an escape"
    );
}

#[test]
fn a_place_stays_short_and_on_one_line() {
    let long = format!(r#"{{"{}\n":[1,]}}"#, "k".repeat(500));
    let message = read(&long).unwrap_err().to_string();
    assert!(message.len() < 250 && !message.contains('\n'), "{message}");
}

#[test]
fn bounds_hold_exactly() {
    let bounds = JsonBounds { depth: 3, items: 2, string_bytes: 4 };
    let status = |text: &str| Json::read(text.as_bytes(), &bounds).map_err(|error| error.status());
    assert!(status(r#"[[["abcd",{}]]]"#.replace("{}", "1").as_str()).is_ok());
    assert_eq!(status("[[[[]]]]"), Err(400));
    assert_eq!(status(r#"{"a":[{"b":{}}]}"#), Err(400));
    assert_eq!(status("[1,2,3]"), Err(413));
    assert_eq!(status(r#"{"a":1,"b":2,"c":3}"#), Err(413));
    assert_eq!(status(r#""abcde""#), Err(413));
    assert_eq!(status(r#"{"abcde":1}"#), Err(413));
    assert_eq!(status(r#""a\u0062cde""#), Err(413), "bytes after unescaping count");
    assert_eq!(status(r#""\u00e9\u00e9""#).unwrap().to_string(), "\"éé\"");
    assert_eq!(status(&"1".repeat(300)), Err(413));
}

#[test]
fn no_bound_lets_the_stack_run_out() {
    let bounds = JsonBounds { depth: usize::MAX, ..JsonBounds::default() };
    let deep = "[".repeat(1_000_000);
    assert_eq!(
        Json::read(deep.as_bytes(), &bounds).map_err(|error| error.to_string().contains("at most 256 levels")),
        Err(true)
    );
}

#[test]
fn escapes_and_numbers_are_read_as_they_are_meant() {
    let text = r#" {"a\/b" : "\u0041\ud83d\ude00\"\\\b\f\n\r\t\u007f", "n":[-0, 0.50, 1E+2, 123456789012345678901234567890] } "#;
    let Json::Object(members) = read(text).unwrap() else { panic!("an object") };
    assert_eq!(members[0], ("a/b".to_owned(), Json::String("A\u{1f600}\"\\\u{8}\u{c}\n\r\t\u{7f}".to_owned())));
    assert_eq!(members[1].1.to_string(), "[-0,0.50,1E+2,123456789012345678901234567890]");
}

#[test]
fn neutral_values_are_gos_zero_values() {
    for text in ["null", "false", "0", "-0", "0.00", "0e9", "\"\"", "[]", "{}"] {
        assert!(read(text).unwrap().is_neutral(), "{text}");
    }
    for text in ["true", "1", "-1", "0.01", "10", "\" \"", "[null]", "[0]", r#"{"a":null}"#] {
        assert!(!read(text).unwrap().is_neutral(), "{text}");
    }
}

#[test]
fn an_engines_answer_may_hold_labels_that_differ_by_case() {
    let text = r#"{"Labels":{"MAINTAINER":"a","maintainer":"b"}}"#;
    assert!(read(text).is_err());
    assert_eq!(Json::read_answer(text.as_bytes(), &JsonBounds::default()).unwrap().to_string(), text);
    assert!(Json::read_answer(br#"{"a":1,"a":2}"#, &JsonBounds::default()).is_err());
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<i64>().prop_map(|value| value.to_string()),
        any::<u64>().prop_map(|value| value.to_string()),
        "-?(0|[1-9][0-9]{0,3})\\.[05]",
        "[1-9]e[0-9]",
    ]
}

/// Documents that are valid and have no key twice, not even by case.
fn document() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        Just(Json::Null),
        any::<bool>().prop_map(Json::Bool),
        number().prop_map(Json::Number),
        "[^\\x00]{0,12}".prop_map(Json::String),
    ];
    leaf.prop_recursive(4, 48, 6, |inner| {
        let member = ("[^\\x00]{0,6}", inner.clone());
        prop_oneof![
            prop::collection::vec(inner, 0..6).prop_map(Json::Array),
            prop::collection::vec(member, 0..6).prop_map(|members| {
                let mut seen = Vec::new();
                let fresh = members.into_iter().filter(|(key, _)| {
                    let known = seen.iter().any(|other: &String| crate::request::fold::same(other, key));
                    seen.push(key.clone());
                    !known
                });
                Json::Object(fresh.collect())
            }),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Json::read(&bytes, &JsonBounds::default());
    }

    #[test]
    fn what_is_written_reads_back(json in document()) {
        prop_assert_eq!(read(&json.to_string()), Ok(json));
    }

    #[test]
    fn valid_documents_mean_the_same_to_serde_json(json in document(), space in "[ \n\t\r]{0,3}") {
        let text = format!("{space}{json}{space}");
        let theirs: serde_json::Value = serde_json::from_str(&text).unwrap();
        let ours = read(&text).unwrap();
        prop_assert_eq!(&serde_json::to_value(&ours).unwrap(), &theirs);
        let pretty = serde_json::to_string_pretty(&theirs).unwrap();
        prop_assert_eq!(serde_json::to_value(read(&pretty).unwrap()).unwrap(), theirs);
    }

    /// One byte of a valid document is replaced, removed or doubled: whatever we still accept, serde_json accepts too,
    /// and as the same value.
    #[test]
    fn nothing_is_accepted_that_serde_json_refuses(json in document(), at in any::<prop::sample::Index>(), byte in any::<u8>(), how in 0..3) {
        let mut bytes = json.to_string().into_bytes();
        let at = at.index(bytes.len());
        match how {
            0 => bytes[at] = byte,
            1 => { bytes.remove(at); }
            _ => bytes.insert(at, bytes[at]),
        }
        if let Ok(ours) = Json::read(&bytes, &JsonBounds::default()) {
            match serde_json::from_slice::<serde_json::Value>(&bytes) {
                Ok(theirs) => prop_assert_eq!(without_floats(serde_json::to_value(&ours).unwrap()), without_floats(theirs)),
                Err(error) => prop_assert!(error.to_string().contains("number out of range"), "{}", error),
            }
        }
    }
}

/// `serde_json` rounds some long fractions differently from the standard library, which is not what is tested here.
fn without_floats(mut value: serde_json::Value) -> serde_json::Value {
    if value.is_f64() {
        return serde_json::Value::Null;
    }
    if let Some(items) = value.as_array_mut() {
        items.iter_mut().for_each(|item| *item = without_floats(item.take()));
    }
    if let Some(members) = value.as_object_mut() {
        members.values_mut().for_each(|member| *member = without_floats(member.take()));
    }
    value
}
