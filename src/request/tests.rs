use super::*;

#[test]
fn a_request_without_host_is_refused() {
    let (parts, ()) = hyper::Request::builder().uri("/_ping").body(()).unwrap().into_parts();
    assert_eq!(read(&parts).unwrap_err().place(), "Host");
}
