use super::*;
#[test]
fn a_default_body_is_short() {
    let body = ContainerCreateBody { image: "postgres:16".into(), ..Default::default() };
    assert_eq!(serde_json::to_string(&body).unwrap(), r#"{"Image":"postgres:16","HostConfig":{}}"#);
}
