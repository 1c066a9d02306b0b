use super::*;

fn read(text: &str) -> Result<Json, RequestError> {
    Json::read(text.as_bytes(), &JsonBounds::default())
}

#[test]
fn duplicate_keys_are_refused_with_their_place() {
    let error = read(r#"{"HostConfig":{"Mounts":[{},{"Source":"/","Source":"/"}]}}"#).unwrap_err();
    assert_eq!(error, RequestError::Repeated { place: "HostConfig.Mounts[1].Source".to_owned() });
}
