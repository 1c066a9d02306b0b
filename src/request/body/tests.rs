use super::*;
use proptest::prelude::*;
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Config {
    image: Option<String>,
    env: Option<Vec<String>>,
    labels: BTreeMap<String, String>,
    exposed_ports: BTreeMap<String, Empty>,
    tty: bool,
    stop_timeout: Option<i64>,
    host_config: Option<HostConfig>,
    auth: Option<Credentials>,
    extra: Option<Json>,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct HostConfig {
    network_mode: String,
    privileged: bool,
    memory: i64,
    swappiness: Option<u8>,
    mounts: Option<Vec<Mount>>,
    console_size: [u32; 2],
    cpu_shares: f64,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
struct Mount {
    r#type: Option<MountType>,
    source: Option<Source>,
    read_only: Option<bool>,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum MountType {
    Bind,
    Volume,
}

#[derive(Debug, PartialEq, Deserialize)]
struct Source(String);

#[derive(Debug, Default, PartialEq, Deserialize)]
#[serde(default, rename_all = "lowercase")]
struct Credentials {
    username: i64,
    password: i64,
}

#[derive(Debug, Default, PartialEq, Deserialize)]
struct Empty {}

fn read(text: &str) -> Result<Config, RequestError> {
    read_body(text.as_bytes(), &JsonBounds::default())
}

fn message(text: &str) -> String {
    read(text).unwrap_err().to_string()
}

#[test]
fn another_top_level_than_an_object_is_refused() {
    for text in ["", "null", "[]", "1", "\"\"", "true", "[{}]"] {
        let error = read(text).unwrap_err();
        assert_eq!((error.status(), error.place()), (400, "body"), "{text}");
    }
    assert_eq!(message("null"), "the body: found null, wanted an object");
    assert_eq!(message(""), "the body: not strict JSON at byte 0: empty; one JSON document was wanted");
}

#[test]
fn unknown_fields_with_a_value_are_refused_by_name() {
    for (text, place) in [
        (r#"{"Privileged":true}"#, "Privileged"),
        (r#"{"HostConfig":{"Mounts":[{},{"Sorce":"/"}]}}"#, "HostConfig.Mounts[1].Sorce"),
        (r#"{"ExposedPorts":{"1/tcp":{"x":[0]}}}"#, r#"ExposedPorts["1/tcp"].x"#),
        (r#"{"Capabilities":["CAP_SYS_ADMIN"]}"#, "Capabilities"),
        (r#"{"x":{"a":null}}"#, "x"),
        ("{\"Pr\u{130}vileged\":true}", r#"["Pr\u{130}vileged"]"#),
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, RequestError::UnknownField { .. }), "{text}");
        assert_eq!((error.status(), error.place()), (403, place), "{text}");
    }
    assert_eq!(
        message(r#"{"Capabilities":["CAP_SYS_ADMIN"]}"#),
        "`Capabilities`: not a field that the broker knows, and it has a value (a list); leave it out"
    );
}

#[test]
fn unknown_fields_with_a_neutral_value_are_dropped() {
    let text =
        r#"{"PortSpecs":null,"LxcConf":[],"DiskQuota":0,"a":"","b":false,"c":{},"HostConfig":{"KernelMemory":0}}"#;
    assert_eq!(read(text), Ok(Config { host_config: Some(HostConfig::default()), ..Config::default() }));
}

#[test]
fn variants_of_known_fields_are_refused_even_when_neutral() {
    for (text, place) in [
        (r#"{"image":"postgres:16"}"#, "image"),
        (r#"{"hostconfig":{}}"#, "hostconfig"),
        ("{\"Ho\u{17f}tConfig\":{}}", r#"["Ho\u{17f}tConfig"]"#),
        (r#"{"Ho\u017ftConfig":{}}"#, r#"["Ho\u{17f}tConfig"]"#),
        (r#"{"HostConfig":{"Networ\u212aMode":"host"}}"#, r#"HostConfig["Networ\u{212a}Mode"]"#),
        (r#"{"HostConfig":{"privileged":false}}"#, "HostConfig.privileged"),
        (r#"{"HostConfig":{"Mounts":[{"source":""}]}}"#, "HostConfig.Mounts[0].source"),
    ] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, RequestError::Spelling { .. }), "{text}: {error:?}");
        assert_eq!((error.status(), error.place()), (400, place), "{text}");
    }
    assert!(message(r#"{"hostconfig":{}}"#).contains("`HostConfig`"));
    assert_eq!(read(r#"{"hostconfig":null}"#), Ok(Config::default()), "null changes nothing, in whatever spelling");
}

#[test]
fn values_of_another_kind_are_refused() {
    for (text, wanted) in [
        (r#"{"Image":1}"#, "`Image`: found a number `1`, wanted a string"),
        (r#"{"Tty":"true"}"#, "`Tty`: found a string `true`, wanted `true` or `false`"),
        (r#"{"Tty":1}"#, "`Tty`: found a number `1`, wanted `true` or `false`"),
        (r#"{"Labels":[]}"#, "`Labels`: found a list, wanted an object"),
        (r#"{"Labels":{"a":["x"]}}"#, "`Labels.a`: found a list, wanted a string"),
        (r#"{"HostConfig":[]}"#, "`HostConfig`: found a list, wanted an object"),
        (r#"{"HostConfig":""}"#, "`HostConfig`: found a string ``, wanted an object"),
        (r#"{"HostConfig":{"Mounts":{}}}"#, "`HostConfig.Mounts`: found an object, wanted a list"),
        (r#"{"HostConfig":{"Mounts":[[]]}}"#, "`HostConfig.Mounts[0]`: found a list, wanted an object"),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":"npipe"}]}}"#,
            "`HostConfig.Mounts[0].Type`: found a string `npipe`, wanted one of `bind`, `volume`",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Type":{"bind":null}}]}}"#,
            "`HostConfig.Mounts[0].Type`: found an object, wanted a string",
        ),
        (
            r#"{"HostConfig":{"Mounts":[{"Source":true}]}}"#,
            "`HostConfig.Mounts[0].Source`: found a boolean `true`, wanted a string",
        ),
        (r#"{"HostConfig":{"CpuShares":"1"}}"#, "`HostConfig.CpuShares`: found a string `1`, wanted a number"),
        (
            r#"{"HostConfig":{"ConsoleSize":[1,2,3]}}"#,
            "`HostConfig.ConsoleSize`: found a list of another length `3`, wanted 2 items",
        ),
    ] {
        assert_eq!(message(text), wanted, "{text}");
    }
    assert!(read(r#"{"HostConfig":{"ConsoleSize":[1]}}"#).is_err());
    assert!(read(r#"{"HostConfig":{"CpuShares":1e999}}"#).is_err());
}

#[test]
fn integers_are_whole_and_in_range() {
    for number in ["1.0", "1e3", "0.5", "9223372036854775808", "\"1\"", "true"] {
        let error = read(&format!(r#"{{"HostConfig":{{"Memory":{number}}}}}"#)).unwrap_err();
        assert_eq!(error.place(), "HostConfig.Memory", "{number}");
    }
    assert_eq!(
        message(r#"{"HostConfig":{"Swappiness":256}}"#),
        "`HostConfig.Swappiness`: found a number `256`, wanted a whole number from 0 to 255"
    );
    assert!(read(r#"{"HostConfig":{"Swappiness":-1}}"#).is_err());
    let config = read(r#"{"HostConfig":{"Memory":-9223372036854775808}}"#).unwrap();
    assert_eq!(config.host_config.unwrap().memory, i64::MIN);
}

#[test]
fn secrets_are_not_repeated_and_long_values_are_cut() {
    for text in [
        r#"{"Env":"PASSWORD=hunter2"}"#,
        r#"{"Env":["A=1",{"hunter2":1}]}"#,
        r#"{"Auth":{"password":"hunter2"}}"#,
        r#"{"Auth":{"username":"hunter2"}}"#,
        r#"{"Auth":"hunter2"}"#,
    ] {
        assert!(!message(text).contains("hunter2"), "{}", message(text));
        assert!(message(text).contains("wanted"));
    }
    let message = message(&format!(r#"{{"Tty":"{}\n"}}"#, "é".repeat(60)));
    assert!(!message.contains('\n') && message.matches(r"\u{e9}").count() == 40, "{message}");
}

#[test]
fn null_is_absent_for_a_field_and_zero_in_lists_and_maps() {
    let text = r#"{"Image":null,"Env":["A",null],"Labels":{"a":null},"Tty":null,"StopTimeout":null,"ExposedPorts":{"1/tcp":null},
        "HostConfig":{"Memory":null,"Mounts":[null],"ConsoleSize":[null,7]}}"#;
    let host_config =
        HostConfig { mounts: Some(vec![Mount::default()]), console_size: [0, 7], ..HostConfig::default() };
    assert_eq!(
        read(text),
        Ok(Config {
            env: Some(vec!["A".to_owned(), String::new()]),
            labels: BTreeMap::from([("a".to_owned(), String::new())]),
            exposed_ports: BTreeMap::from([("1/tcp".to_owned(), Empty {})]),
            host_config: Some(host_config),
            ..Config::default()
        })
    );
}

#[test]
fn a_whole_body_is_read() {
    let text = r#"{"Image":"postgres:16","Tty":true,"StopTimeout":-1,"Labels":{"b":"2","a":"1"},"Extra":{"n":[1,-2,1.5,null,true,"x"]},
        "HostConfig":{"NetworkMode":"bridge","CpuShares":2.5,"Mounts":[{"Type":"volume","Source":"v","ReadOnly":false}]}}"#;
    let config = read(text).unwrap();
    assert_eq!(config.extra.map(|json| json.to_string()).as_deref(), Some(r#"{"n":[1,-2,1.5,null,true,"x"]}"#));
    assert_eq!(config.stop_timeout, Some(-1));
    let host = config.host_config.unwrap();
    assert_eq!(host.cpu_shares, 2.5);
    let mount = Mount { r#type: Some(MountType::Volume), source: Some(Source("v".to_owned())), read_only: Some(false) };
    assert_eq!(host.mounts, Some(vec![mount]));
}

#[test]
fn a_part_of_a_document_is_read_with_its_place() {
    let json = Json::read(br#"[{"Type":"bind"},{"ReadOnly":3}]"#, &JsonBounds::default()).unwrap();
    let error = from_json::<Vec<Mount>>(json, "HostConfig.Mounts").unwrap_err();
    assert_eq!(error.place(), "HostConfig.Mounts[1].ReadOnly");
}

#[test]
fn a_types_own_refusal_gains_its_place() {
    #[derive(Debug, Deserialize)]
    struct Body {
        #[serde(rename = "Ports", deserialize_with = "never")]
        _ports: Vec<()>,
    }
    fn never<'de, D: Deserializer<'de>>(_: D) -> Result<Vec<()>, D::Error> {
        Err(serde::de::Error::custom("no port\nfits"))
    }
    let error = read_body::<Body>(br#"{"Ports":[1]}"#, &JsonBounds::default()).unwrap_err();
    assert_eq!(error.to_string(), r"`Ports`: no port\nfits");
    let error = read_body::<Body>(b"{}", &JsonBounds::default()).unwrap_err();
    assert_eq!(error, RequestError::Missing { place: "Ports".to_owned() });
}

proptest! {
    #[test]
    fn generic_json_reads_as_it_is(text in "[^\\x00]{0,20}", number in any::<i64>(), flag in any::<bool>()) {
        let inner = Json::Array(vec![Json::String(text), Json::Number(number.to_string()), Json::Bool(flag), Json::Null]);
        let json = Json::Object(vec![("a".to_owned(), inner)]);
        prop_assert_eq!(from_json::<Json>(json.clone(), ""), Ok(json));
    }

    /// Whatever spelling a key has: it reads as the field only when it is the field's name.
    #[test]
    fn only_the_exact_name_is_read(upper in prop::collection::vec(any::<bool>(), 10), long_s in any::<bool>()) {
        let key: String = "HostConfig".chars().zip(upper).map(|(letter, upper)| match letter {
            's' if long_s => 'ſ',
            letter if upper => letter.to_ascii_uppercase(),
            letter => letter.to_ascii_lowercase(),
        }).collect();
        let read = read(&format!(r#"{{"{key}":{{"Privileged":true}}}}"#));
        if key == "HostConfig" {
            prop_assert!(read.unwrap().host_config.unwrap().privileged);
        } else {
            let refused = matches!(read, Err(RequestError::Spelling { .. }));
            prop_assert!(refused, "{}", key);
        }
    }
}
